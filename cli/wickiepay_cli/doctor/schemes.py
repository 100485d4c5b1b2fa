"""The signature schemes that were used lately, by the metrics that ingest emits."""

from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from wickiepay.metrics import OF_SCHEME, Metric
from wickiepay_cli.stacks.stack import Stack

PERIOD: Final = timedelta(days=30)


def only_scheme(stack: Stack, now: datetime) -> str | None:
    """The one scheme that every delivery of the last 30 days used, or None if there were several or none.

    None as well if it is pinned already, or if CloudWatch cannot be asked: nothing depends on this advice.
    """
    client = stack.client("cloudwatch")
    try:
        used = [scheme for scheme, metric in OF_SCHEME.items() if _was_counted(client, stack.name, metric, now)]
    except (BotoCoreError, ClientError):
        return None
    accepted = stack.parameters.get("AcceptedSchemes", "").split(",")
    return used[0] if len(used) == 1 and used != accepted else None


def _was_counted(client: Any, stack: str, metric: Metric, now: datetime) -> bool:  # noqa: ANN401  no types for CloudWatch
    answer = client.get_metric_statistics(
        Namespace=f"WickiePay/{stack}",
        MetricName=metric,
        Dimensions=[{"Name": "service", "Value": "ingest"}],
        StartTime=now - PERIOD,
        EndTime=now,
        Period=int(PERIOD.total_seconds()),
        Statistics=["Sum"],
    )
    return any(point["Sum"] > 0 for point in answer["Datapoints"])
