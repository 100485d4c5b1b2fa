"""The reconciler: made beside a provider of a test's own, or run where it is deployed."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler import Reconciler
from tests.support.provider import Answering, FakeProvider
from wickiepay_cli.stacks.stack import Stack
from wickiepay_reconcile.asking import Limits
from wickiepay_reconcile.notes import Notes
from wickiepay_reconcile.our_events import OurEvents
from wickiepay_reconcile.our_payments import OurPayments

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def reconciler_beside(answer: Answering, dynamodb: "DynamoDBClient", now: Callable[[], datetime]) -> Reconciler:
    """A reconciler of the tables as the template names them, and of a provider that answers so."""
    ours = OurEvents(dynamodb, "EventTable")
    return Reconciler(
        ours=ours,
        ledger=OurPayments(dynamodb, "LedgerTable"),
        notes=Notes(dynamodb, "EventTable", ours),
        api=FakeProvider(answer).made,
        limits=Limits(),
        destination=None,
        kept=timedelta(days=400),
        now=now,
    )


def run_where_deployed(stack: Stack, **schedule: object) -> dict[str, int]:
    """Has the stack's own reconciler run, as a schedule would; what it says."""
    described = stack.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId="ReconcilerFunction"
    )
    name = described["StackResourceDetail"]["PhysicalResourceId"]
    answer = stack.client("lambda").invoke(FunctionName=name, Payload=json.dumps(schedule))
    told: Any = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    return dict(told)
