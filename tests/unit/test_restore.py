"""What docs/operating.md says of a restore: the books come right again where the tables are of different instants."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from tests.support.command_line import run
from tests.support.operator_stack import CONFIRMED, EVENT_QUEUE, OperatorStack
from wickiepay.identity import Identity
from wickiepay.queue import encode

pytest_plugins = ["tests.support.operator_fixture"]

LIVES: Final = (
    ("p-1", "payment.processing"),
    ("p-1", "payment.completed"),
    ("c-1", CONFIRMED),
    ("d-1", "deposit.status_change"),
    ("c-2", CONFIRMED),
)
"""Events in the order of their arrival."""

type Items = Sequence[dict[str, Any]]
type Read = Callable[[], Items]


@pytest.fixture
def ledger_items(operator: OperatorStack) -> Read:
    """Reads all that is in the ledger."""

    def read() -> Items:
        items: list[dict[str, Any]] = list(operator.dynamodb.scan(TableName="LedgerTable")["Items"])
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    return read


@pytest.fixture
def past(operator: OperatorStack, ledger_items: Read) -> list[Items]:
    """The ledger after none, one … and all of the lives were processed."""
    states = [ledger_items()]
    for uuid, event in LIVES:
        operator.process(operator.receive(uuid, event))
        states.append(ledger_items())
    return states


def restore_ledger(operator: OperatorStack, wanted: Items) -> None:
    for item in operator.dynamodb.scan(TableName="LedgerTable")["Items"]:
        operator.dynamodb.delete_item(TableName="LedgerTable", Key={"pk": item["pk"], "sk": item["sk"]})
    for item in wanted:
        operator.dynamodb.put_item(TableName="LedgerTable", Item=item)


def forget(operator: OperatorStack, identity: Identity) -> None:
    """Has an event's record gone, as in a table from before its arrival."""
    key: Any = {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}
    operator.dynamodb.delete_item(TableName="EventTable", Key=key)


@pytest.mark.parametrize("done", range(len(LIVES) + 1))
def test_a_ledger_from_before_gets_all_back_by_a_replay_of_what_was_processed(
    operator: OperatorStack, past: list[Items], ledger_items: Read, done: int
) -> None:
    restore_ledger(operator, past[done])
    assert run("events", "replay", "--state", "PROCESSED", "--since", "1d").exit_code == 0
    operator.consume()
    assert ledger_items() == past[-1]


def test_an_event_that_the_event_table_has_forgotten_is_done_once_when_it_is_delivered_again(
    operator: OperatorStack, past: list[Items], ledger_items: Read
) -> None:
    identity = Identity("c-1", CONFIRMED)
    forget(operator, identity)
    assert operator.receive("c-1") == identity
    operator.process(identity)
    assert (operator.state(identity), ledger_items()) == ("PROCESSED", past[-1])


def test_a_message_in_the_queue_brings_back_the_record_that_the_event_table_has_forgotten(
    operator: OperatorStack, past: list[Items]
) -> None:
    restore_ledger(operator, past[2])
    for identity in (Identity("c-1", CONFIRMED), Identity("c-2", CONFIRMED)):
        operator.sqs.send_message(QueueUrl=EVENT_QUEUE, MessageBody=encode(operator.message(identity)))
        forget(operator, identity)
    operator.consume()
    assert {operator.state(Identity(uuid, CONFIRMED)) for uuid in ("c-1", "c-2")} == {"PROCESSED"}
    assert operator.balance() == "10"
