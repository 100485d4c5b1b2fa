"""The last use of each secret for a delivery, by the metrics that ingest emits."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.metrics import Metric, emitted
from wickiepay_cli.store.secret_versions import CURRENT, PREVIOUS

PERIOD: Final = timedelta(days=15)
"""How long CloudWatch keeps metrics by the minute.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
"""

COUNTS: Final[Mapping[str, Metric]] = {CURRENT: Metric.SECRET_CURRENT, PREVIOUS: Metric.SECRET_PREVIOUS}
"""Stage of a secret → the metric that counts the deliveries which it signed."""


def last_uses(
    client: Any,  # noqa: ANN401  of CloudWatch
    stack_name: str,
    monitoring: str,
    since: datetime | None,
    now: datetime,
) -> Mapping[str, datetime | None] | None:
    """Stage → the minute of the last delivery that was signed with its secret, or None if none came.

    Has no stage whose metric is not emitted with this `monitoring`. Looks back 15 days, and no further than `since`:
    before that, a secret may have had another stage. None if CloudWatch cannot be asked.
    """
    counts = {stage: metric for stage, metric in COUNTS.items() if metric in emitted(monitoring)}
    begin = max(now - PERIOD, since) if since else now - PERIOD
    try:
        found = client.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": metric.lower(),
                    "MetricStat": {
                        "Metric": {
                            "Namespace": f"WickiePay/{stack_name}",
                            "MetricName": metric,
                            "Dimensions": [{"Name": "service", "Value": "ingest"}],
                        },
                        "Period": 60,
                        "Stat": "Sum",
                    },
                }
                for metric in counts.values()
            ],
            StartTime=begin.replace(second=0, microsecond=0),
            EndTime=now,
            ScanBy="TimestampDescending",
        )["MetricDataResults"]
    except (BotoCoreError, ClientError):
        return None
    counted = {each["Id"]: max(each["Timestamps"], default=None) for each in found}
    return {stage: counted.get(metric.lower()) for stage, metric in counts.items()}
