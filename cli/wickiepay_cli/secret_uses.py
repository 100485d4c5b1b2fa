"""When a delivery was last signed with which secret, by the counts that ingest emits."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.metrics import Metric
from wickiepay_cli.secret_versions import CURRENT, PREVIOUS
from wickiepay_cli.stack import Stack

PERIOD: Final = timedelta(days=15)
"""For so long CloudWatch keeps what was counted minute by minute."""

COUNTS: Final[Mapping[str, Metric]] = {CURRENT: Metric.SECRET_CURRENT, PREVIOUS: Metric.SECRET_PREVIOUS}
"""Stage of a secret → the metric that counts the deliveries which it signed."""


def last_uses(stack: Stack, since: datetime | None, now: datetime) -> Mapping[str, datetime | None] | None:
    """Stage → the minute of the last delivery that was signed with its secret, or None where none came.

    Looks back 15 days, and no further than `since`: before that, a secret may have had another stage. None where
    CloudWatch cannot be asked: then nothing is known.
    """
    client = stack.client("cloudwatch")
    begin = max(now - PERIOD, since) if since else now - PERIOD
    try:
        found = client.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": metric.lower(),
                    "MetricStat": {
                        "Metric": {
                            "Namespace": f"WickiePay/{stack.name}",
                            "MetricName": metric,
                            "Dimensions": [{"Name": "service", "Value": "ingest"}],
                        },
                        "Period": 60,
                        "Stat": "Sum",
                    },
                }
                for metric in COUNTS.values()
            ],
            StartTime=begin.replace(second=0, microsecond=0),
            EndTime=now,
            ScanBy="TimestampDescending",
        )["MetricDataResults"]
    except (BotoCoreError, ClientError):
        return None
    counted = {each["Id"]: max(each["Timestamps"], default=None) for each in found}
    return {stage: counted.get(metric.lower()) for stage, metric in COUNTS.items()}
