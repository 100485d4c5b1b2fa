"""The example subscriber beside the local stack: a delivery makes its order paid, and the customer is mailed."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from tests.support.command_line import run, run_json
from wickiepay_cli.errors import CommandError
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks.local_stack import LocalStack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = [pytest.mark.stack, pytest.mark.thorough]

EXAMPLE: Final = PROJECT / "examples/subscriber"
SENDER: Final = "shop@example.com"
CUSTOMER: Final = "customer@example.com"
PATIENCE_SECONDS: Final = 60


@pytest.fixture(autouse=True)
def here(stack: LocalStack, stack_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Commands find the stack of these tests."""
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(stack_folder))


@pytest.fixture
def tables(stack: LocalStack) -> dict[str, str]:
    """The example's outputs."""
    for address in (SENDER, CUSTOMER):
        stack.client("ses").verify_email_identity(EmailAddress=address)
    deployed = run_json("local", "deploy", str(EXAMPLE), "--parameter", f"MailFrom={SENDER}")
    outputs: dict[str, str] = deployed["outputs"]
    return outputs


def order_once_changed(stack: LocalStack, table: str, order: str) -> Any:  # noqa: ANN401  an item
    dynamodb: DynamoDBClient = stack.client("dynamodb")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        item = dynamodb.get_item(TableName=table, Key={"order": {"S": order}})["Item"]
        if "changes" in item or time.monotonic() > deadline:
            return item
        time.sleep(0.2)


def mails_sent(stack: LocalStack) -> int:
    points: list[dict[str, Any]] = stack.client("ses").get_send_statistics()["SendDataPoints"]
    return sum(point["DeliveryAttempts"] for point in points)


def test_a_delivery_makes_its_order_paid_and_the_customer_is_mailed(stack: LocalStack, tables: dict[str, str]) -> None:
    order, uuid = f"order-{uuid4()}", str(uuid4())
    orders, before = tables["OrdersTableName"], mails_sent(stack)
    stack.client("dynamodb").put_item(TableName=orders, Item={"order": {"S": order}, "mail": {"S": CUSTOMER}})

    run("trigger", "payment.completed", "--set", f"data.reference={order}", "--set", f"data.uuid={uuid}")

    item = order_once_changed(stack, orders, order)
    assert (item["status"], item["payments"]) == ({"S": "PAID"}, {"SS": [uuid]})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while mails_sent(stack) == before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert mails_sent(stack) == before + 1


def test_it_is_deployed_again_after_a_change(tables: dict[str, str]) -> None:
    assert run_json("local", "deploy", str(EXAMPLE), "--parameter", "MailFrom=") == {
        "stack": "subscriber",
        "outputs": tables,
    }


BROKEN: Final = """
Parameters: {Needed: {Type: String}}
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
  Queue: {Type: "AWS::SQS::Queue", Properties: {VisibilityTimeout: !Ref Needed}}
"""


@pytest.mark.parametrize(
    ("template", "options", "said"),
    [
        (None, [], r"There is no template\.yaml"),
        (BROKEN, [], "Give a value for Needed, with --parameter NAME=VALUE"),
        (BROKEN, ["--parameter", "Neded=1"], "has no parameter Neded"),
        (BROKEN, ["--name", "wickiepay-local"], "the listener's own stack"),
        (BROKEN, ["--parameter", "Needed=99999"], "The emulator refused the stack broken. Queue: .* VisibilityTimeout"),
    ],
)
def test_what_cannot_be_deployed_is_refused_and_leaves_nothing(
    template: str | None, options: list[str], said: str, stack: LocalStack, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    if template:
        (folder / "template.yaml").write_text(template)
    with pytest.raises(CommandError, match=said):
        run("local", "deploy", str(folder), *options)
    stacks = stack.client("cloudformation").describe_stacks()["Stacks"]
    assert "broken" not in {each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"}
