"""`wickiepay doctor` says that the books add up where they do, and what is wrong where they do not."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tests.support.aws import Calls
from tests.support.command_line import OUTPUTS, run
from tests.support.operator_stack import CONFIRMED, EVENT_QUEUE, OperatorStack
from wickiepay.delivery import Delivery
from wickiepay.effects import credit
from wickiepay.event import parse
from wickiepay.event_record import identity_of
from wickiepay.identity import Identity
from wickiepay.queue import encode
from wickiepay_cli.doctor.balances import BalancesAddUp
from wickiepay_cli.doctor.checks import STATEMENTS, Suspects
from wickiepay_cli.doctor.report import audit
from wickiepay_cli.doctor.tables import Tables
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Stack

pytest_plugins = ["tests.support.operator_fixture"]

PAID: Final = Identity("c-1", CONFIRMED)


@pytest.fixture
def happenings(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens while the doctor waits, in order; he is kept waiting for nothing else."""
    happenings: list[Callable[[], object]] = []
    monkeypatch.setattr("time.sleep", lambda _: happenings.pop(0)() if happenings else None)
    return happenings


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """The tables as `something_of_everything` leaves them: to copy them takes a tenth of the time."""
    return {}


@pytest.fixture
def books(operator: OperatorStack, happenings: object, kept: dict[str, Any]) -> OperatorStack:  # noqa: ARG001  nobody waits
    tables: dict[str, Any] = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables
    if not kept:
        something_of_everything(operator)
        kept.update(deepcopy(dict(tables)))
    tables.update(deepcopy(kept))
    return operator


def something_of_everything(operator: OperatorStack) -> None:
    """Of all that there may be on record."""
    operator.process(operator.receive("c-1"))
    operator.process(operator.receive("c-2"))
    operator.receive("c-2", note="other content")
    operator.process(operator.receive("i-1", "weather.changed"))
    operator.process(operator.receive("p-1", "payment.completed"))
    operator.events.mark_failed(operator.receive("f-1"), operator.now, "Given up.")
    operator.receive("r-1", age=timedelta(minutes=1))
    operator.events.flag_unsent(operator.receive("r-2", age=timedelta(minutes=2)))
    operator.events.keep_unusable(
        Delivery(b"[]", "raw", "2026-01-15T10:00:00.000000Z", "192.0.2.1", "request"), b"\0" * 32, "No."
    )


def diagnosis(*arguments: str) -> dict[str, Any]:
    """What the doctor says; his exit code has to agree with it."""
    result = run("doctor", "--json", *arguments)
    said: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if all(check["ok"] for check in said["checks"]) else 1)
    return said


def complaints(*arguments: str) -> set[str]:
    """The checks that fail."""
    return {check["name"] for check in diagnosis(*arguments)["checks"] if not check["ok"]}


def detail(name: str, *arguments: str) -> str:
    [text] = [check["detail"] for check in diagnosis(*arguments)["checks"] if check["name"] == name]
    return str(text)


# --- Books that add up -------------------------------------------------------------------------------
@pytest.mark.usefixtures("books")
def test_books_that_add_up_are_said_to() -> None:
    assert complaints() == set()


@pytest.mark.usefixtures("books")
def test_it_is_said_in_plain_words_how_many_credits_have_their_event() -> None:
    assert re.fullmatch(r"(\d+) of \1 credits looked up, and each has its event", detail("credits_have_events"))


@pytest.mark.usefixtures("operator", "happenings")
def test_empty_books_add_up() -> None:
    assert complaints() == set()


@pytest.mark.usefixtures("books")
def test_everything_is_counted_once() -> None:
    assert diagnosis()["counts"] == {
        "deliveries": 9,
        "events": 7,
        "processed": 3,
        "ignored": 1,
        "failed": 1,
        "received": 2,
        "conflicts": 1,
        "unusable": 1,
        "unsent": 1,
        "late": 0,
        "dead_letters": 0,
        "credits": 2,
        "balances": 1,
        "open-conflict": 1,
    }


@pytest.mark.usefixtures("books")
def test_programs_get_counts_checks_and_orphans() -> None:
    said = diagnosis()
    assert (set(said), [set(check) for check in said["checks"]]) == (
        {"stack", "at", "since", "counts", "checks", "worth_a_look", "orphans", "repaired"},
        [{"name", "ok", "detail"}] * 7,
    )
    assert (said["orphans"], said["repaired"], {check["name"] for check in said["checks"]}) == ([], 0, set(STATEMENTS))


@pytest.mark.usefixtures("books")
def test_people_get_a_table_of_statements() -> None:
    shown = run("doctor").stdout
    assert ("7 events = 3 processed + 1 ignored + 1 failed + 2 received" in shown, shown.count("✓")) == (True, 7)
    assert "Also on record: conflicts 1, unusable 1, dead letters 0." in shown
    assert shown.startswith(
        "listener at 2026-01-15 10:25:01 UTC, deliveries from 2025-12-16 10:25:01 to 2026-01-15 10:25:01\n"
    )


def test_people_see_what_is_wrong(books: OperatorStack) -> None:
    delete_record(books, PAID)
    shown = run("doctor").stdout
    assert (f"No event explains the credit of {CONFIRMED} of c-1" in shown, shown.count("✗")) == (True, 1)


def test_an_accepted_conflict_adds_up(books: OperatorStack) -> None:
    run("events", "accept", "c-2", "--second-credit")
    books.consume()
    assert (complaints(), diagnosis()["counts"]["credits"]) == (set(), 3)


# --- Books that do not -------------------------------------------------------------------------------
def record_key(identity: Identity) -> Any:  # noqa: ANN401  a key
    return {"uuid": {"S": identity.uuid}, "event_key": {"S": identity.event_key}}


def delete_record(books: OperatorStack, identity: Identity) -> None:
    books.dynamodb.delete_item(TableName="EventTable", Key=record_key(identity))


def set_state(books: OperatorStack, identity: Identity, state: str, **changes: Any) -> None:  # noqa: ANN401  attributes
    item = {**books.item(identity), "state": {"S": state}, **changes}
    books.dynamodb.put_item(TableName="EventTable", Item=item)


def entry(books: OperatorStack, uuid: str = "c-1") -> dict[str, Any]:
    key = {"pk": {"S": f"credit#{uuid}"}, "sk": {"S": "-"}}
    found: dict[str, Any] = books.dynamodb.get_item(TableName="LedgerTable", Key=key)["Item"]
    return found


def put_into_ledger(books: OperatorStack, item: dict[str, Any], **changes: object) -> None:
    books.dynamodb.put_item(TableName="LedgerTable", Item={**item, **changes})  # type: ignore[dict-item]


def set_balance(books: OperatorStack, amount: str, account: str = "account") -> None:
    put_into_ledger(books, {"pk": {"S": f"balance#{account}"}, "sk": {"S": "EUR"}, "amount": {"N": amount}})


def an_event_is_gone(books: OperatorStack) -> None:
    delete_record(books, PAID)


def an_event_has_failed_without_a_credit(books: OperatorStack) -> None:
    set_state(books, PAID, "FAILED", effects={"S": "[]"})


def an_event_that_credited_is_ignored(books: OperatorStack) -> None:
    set_state(books, PAID, "IGNORED")


def a_state_is_none_that_there_is(books: OperatorStack) -> None:
    [ignored] = [item for item in books.dynamodb.scan(TableName="EventTable")["Items"] if item["uuid"]["S"] == "i-1"]
    set_state(books, identity_of(ignored), "LOST")


def a_state_is_that_of_a_conflict(books: OperatorStack) -> None:
    set_state(books, Identity("r-1", CONFIRMED), "CONFLICT")


def a_state_is_missing(books: OperatorStack, identity: Identity = Identity("r-1", CONFIRMED)) -> None:  # noqa: B008  frozen
    item = books.item(identity)
    del item["state"]
    books.dynamodb.put_item(TableName="EventTable", Item=item)


def a_state_of_what_has_credited_is_missing(books: OperatorStack) -> None:
    a_state_is_missing(books, PAID)


def a_conflict_is_in_the_state_of_an_event(books: OperatorStack) -> None:
    set_state(books, books.receive("c-2", note="other content"), "PROCESSED")


def a_balance_is_too_high_by_the_last_digit(books: OperatorStack) -> None:
    set_balance(books, "10.000000000000000001")


def a_balance_is_too_low(books: OperatorStack) -> None:
    set_balance(books, "9")


def a_balance_is_gone(books: OperatorStack) -> None:
    books.dynamodb.delete_item(TableName="LedgerTable", Key={"pk": {"S": "balance#account"}, "sk": {"S": "EUR"}})


def a_balance_has_no_entries(books: OperatorStack) -> None:
    set_balance(books, "1", account="nobody")


def an_entry_is_gone(books: OperatorStack) -> None:
    books.dynamodb.delete_item(TableName="LedgerTable", Key={"pk": {"S": "credit#c-1"}, "sk": {"S": "-"}})


def an_entry_is_gone_and_its_amount_with_it(books: OperatorStack) -> None:
    an_entry_is_gone(books)
    set_balance(books, "5")


def an_entry_has_another_amount(books: OperatorStack) -> None:
    put_into_ledger(books, entry(books), amount={"N": "6"})


def an_entry_and_its_balance_have_another_amount(books: OperatorStack) -> None:
    an_entry_has_another_amount(books)
    set_balance(books, "11")


def an_entry_is_another_accounts(books: OperatorStack) -> None:
    put_into_ledger(books, entry(books), reference={"S": "nobody"})


def an_entry_has_no_event(books: OperatorStack) -> None:
    put_into_ledger(books, entry(books), pk={"S": "credit#c-9"}, uuid={"S": "c-9"})
    set_balance(books, "15")


def an_event_has_two_entries(books: OperatorStack) -> None:
    put_into_ledger(books, entry(books), sk={"S": "0x1"})
    set_balance(books, "15")


def an_event_is_in_no_queue(books: OperatorStack) -> None:
    books.receive("o-1", age=timedelta(minutes=16))


def an_event_is_unsent(books: OperatorStack) -> None:
    books.events.flag_unsent(books.receive("u-1", age=timedelta(minutes=11)))


BROKEN: Final = [
    (an_event_is_gone, {"credits_have_events"}),
    (an_event_has_failed_without_a_credit, {"credits_have_events"}),
    (an_event_that_credited_is_ignored, {"credits_have_events"}),
    (a_state_is_none_that_there_is, {"events_counted"}),
    (a_state_is_that_of_a_conflict, {"events_counted"}),
    (a_state_is_missing, {"events_counted"}),
    (a_state_of_what_has_credited_is_missing, {"events_counted", "credits_have_events"}),
    (a_conflict_is_in_the_state_of_an_event, {"events_counted"}),
    (a_balance_is_too_high_by_the_last_digit, {"balances_add_up"}),
    (a_balance_is_too_low, {"balances_add_up"}),
    (a_balance_is_gone, {"balances_add_up"}),
    (a_balance_has_no_entries, {"balances_add_up"}),
    (an_entry_is_gone, {"balances_add_up", "events_have_credits"}),
    (an_entry_is_gone_and_its_amount_with_it, {"events_have_credits"}),
    (an_entry_has_another_amount, {"balances_add_up", "events_have_credits"}),
    (an_entry_and_its_balance_have_another_amount, {"events_have_credits"}),
    (an_entry_is_another_accounts, {"balances_add_up", "events_have_credits"}),
    (an_entry_has_no_event, {"credits_have_events"}),
    (an_event_has_two_entries, {"credited_once"}),
    (an_event_is_in_no_queue, {"no_orphans"}),
    (an_event_is_unsent, {"sent_in_time"}),
]


@pytest.mark.parametrize(("happen", "failing"), BROKEN)
def test_what_is_broken_is_found_and_nothing_else(
    books: OperatorStack, happen: Callable[[OperatorStack], None], failing: set[str]
) -> None:
    happen(books)
    assert complaints() == failing


def test_every_check_is_shown_to_fail() -> None:
    assert {name for _, failing in BROKEN for name in failing} == set(STATEMENTS)


@pytest.mark.parametrize(
    ("happen", "name", "said"),
    [
        (an_event_is_gone, "credits_have_events", f"No event explains the credit of {CONFIRMED} of c-1"),
        (a_state_is_missing, "events_counted", f"In an unknown state: {CONFIRMED} of r-1"),
        (a_balance_is_too_low, "balances_add_up", "account has 9 EUR, its entries add up to 10"),
        (a_balance_is_gone, "balances_add_up", "account has 0 EUR, its entries add up to 10"),
        (an_entry_is_gone, "events_have_credits", f"The credit differs from the record of {CONFIRMED} of c-1"),
        (an_event_has_two_entries, "credited_once", f"Credited more than once: {CONFIRMED} of c-1"),
        (an_event_is_in_no_queue, "no_orphans", f"1 in no queue: {CONFIRMED} of o-1"),
        (an_event_is_unsent, "sent_in_time", f"The relay has not sent {CONFIRMED} of u-1"),
    ],
)
def test_what_is_broken_is_named(
    books: OperatorStack, happen: Callable[[OperatorStack], None], name: str, said: str
) -> None:
    happen(books)
    assert detail(name) == said


def test_of_much_that_is_broken_the_first_is_named_and_the_rest_counted(books: OperatorStack) -> None:
    for number in range(8):
        books.receive(f"o-{number}", age=timedelta(hours=1))
    assert detail("no_orphans").endswith(" and 3 more")


# --- What only looks wrong ---------------------------------------------------------------------------
def it_is_a_credit_older_than_the_retention(books: OperatorStack) -> None:
    put_into_ledger(books, entry(books), at={"S": "2025-12-16T00:00:00.000000Z"})
    delete_record(books, PAID)


def it_is_in_the_dead_letter_queue(books: OperatorStack) -> None:
    books.bury(encode(books.message(books.receive("o-1", age=timedelta(hours=1)))))
    books.bury("no message")


def it_is_in_the_queue(books: OperatorStack) -> None:
    message = books.message(books.receive("o-1", age=timedelta(hours=1)))
    books.sqs.send_message(QueueUrl=EVENT_QUEUE, MessageBody=encode(message))


def it_is_being_worked_on(books: OperatorStack) -> None:
    it_is_in_the_queue(books)
    books.sqs.receive_message(QueueUrl=EVENT_QUEUE)


def it_is_delayed(books: OperatorStack) -> None:
    message = books.message(books.receive("o-1", age=timedelta(hours=1)))
    books.sqs.send_message(QueueUrl=EVENT_QUEUE, MessageBody=encode(message), DelaySeconds=900)


def it_came_a_moment_ago(books: OperatorStack) -> None:
    books.receive("o-1", age=timedelta(minutes=14))


def it_has_a_balance_of_nothing(books: OperatorStack) -> None:
    set_balance(books, "0", account="nobody")


def it_is_an_event_about_to_be_processed(books: OperatorStack) -> None:
    set_state(books, PAID, "RECEIVED")
    message = encode(books.message(PAID))
    books.sqs.send_message(QueueUrl=EVENT_QUEUE, MessageBody=message)


def its_record_is_of_an_older_version_and_has_the_uuid_in_capitals(books: OperatorStack) -> None:
    uuid = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
    recorded = books.receive(uuid.upper())
    item = {**books.item(recorded), "uuid": {"S": uuid.upper()}}
    delete_record(books, recorded)
    books.dynamodb.put_item(TableName="EventTable", Item=item)
    books.process(identity_of(item))
    assert books.balance() == "15"


def it_was_given_up_after_it_had_credited(books: OperatorStack) -> None:
    set_state(books, PAID, "FAILED")


def it_is_a_second_event_of_one_payment(books: OperatorStack) -> None:
    """The provider's own ids tell the two apart; a payment is credited once."""
    for own in ("e-1", "e-2"):
        books.process(books.receive("two", own_id=own))


@pytest.mark.parametrize(
    "happen",
    [
        it_is_a_credit_older_than_the_retention,
        it_is_in_the_dead_letter_queue,
        it_is_in_the_queue,
        it_is_being_worked_on,
        it_is_delayed,
        it_came_a_moment_ago,
        it_has_a_balance_of_nothing,
        it_is_an_event_about_to_be_processed,
        its_record_is_of_an_older_version_and_has_the_uuid_in_capitals,
        it_was_given_up_after_it_had_credited,
        it_is_a_second_event_of_one_payment,
    ],
)
def test_what_only_looks_wrong_is_no_complaint(books: OperatorStack, happen: Callable[[OperatorStack], None]) -> None:
    happen(books)
    assert complaints() == set()


def test_what_is_late_and_what_was_given_up_is_counted(books: OperatorStack) -> None:
    it_is_in_the_dead_letter_queue(books)
    assert detail("no_orphans") == "1 overdue in the dead-letter queue"
    it_is_in_the_queue(books)
    assert detail("no_orphans") == "1 late while the queue is at work"


def test_the_dead_letters_are_left_for_others_to_see(books: OperatorStack) -> None:
    it_is_in_the_dead_letter_queue(books)
    assert [diagnosis()["counts"]["dead_letters"] for _ in range(2)] == [2, 2]


def test_where_the_retention_was_raised_it_can_be_said(books: OperatorStack) -> None:
    put_into_ledger(books, entry(books), at={"S": "2026-01-05T00:00:00.000000Z"})
    delete_record(books, PAID)
    assert (complaints(), complaints("--retention-days", "10")) == ({"credits_have_events"}, set())


# --- A stack at work ---------------------------------------------------------------------------------
def it_is_recorded(books: OperatorStack) -> Callable[[], object]:
    item = books.item(PAID)
    delete_record(books, PAID)
    return lambda: books.dynamodb.put_item(TableName="EventTable", Item=item)


def it_is_finished(books: OperatorStack) -> Callable[[], object]:
    set_state(books, PAID, "IGNORED")
    return lambda: set_state(books, PAID, "PROCESSED")


def it_is_added_up(books: OperatorStack) -> Callable[[], object]:
    set_balance(books, "5")
    return lambda: set_balance(books, "10")


def it_is_processed(books: OperatorStack) -> Callable[[], object]:
    orphan = books.receive("o-1", age=timedelta(hours=1))
    return lambda: set_state(books, orphan, "IGNORED")


def it_is_sent(books: OperatorStack) -> Callable[[], object]:
    identity = books.receive("u-1", age=timedelta(hours=1))
    books.events.flag_unsent(identity)
    return lambda: books.events.clear_unsent(identity)


def it_is_credited(books: OperatorStack) -> Callable[[], object]:
    item = entry(books)
    an_entry_is_gone_and_its_amount_with_it(books)

    def credit() -> None:
        put_into_ledger(books, item)
        set_balance(books, "10")

    return credit


@pytest.mark.parametrize(
    "begin", [it_is_recorded, it_is_finished, it_is_added_up, it_is_processed, it_is_sent, it_is_credited]
)
def test_what_is_right_a_moment_later_is_no_complaint(
    books: OperatorStack, happenings: list[Callable[[], object]], begin: Callable[[OperatorStack], Callable[[], object]]
) -> None:
    happenings.append(begin(books))
    assert (complaints(), happenings) == (set(), [])


def credit_more(books: OperatorStack) -> None:
    event = parse(
        b'{"event": "channel.payment.confirmed", "data":'
        b' {"uuid": "c-3", "reference": "account", "amount": 5, "currency": "EUR"}}'
    )
    for effect in credit(event, "reference"):
        books.ledger.apply(effect, {})


def test_a_credit_made_while_its_account_is_read_is_no_complaint(books: OperatorStack) -> None:
    balances = BalancesAddUp(Tables(books.dynamodb, "EventTable", "LedgerTable"), lambda: credit_more(books))
    balances.see(entry(books))  # and not the other entry, nor the balance
    assert (balances.check().ok, books.balance()) == (True, "15")


def test_a_balance_that_is_wrong_stays_so_whatever_is_credited_meanwhile(
    books: OperatorStack, happenings: list[Callable[[], object]]
) -> None:
    set_balance(books, "1000")
    happenings.append(lambda: credit_more(books))
    assert complaints() == {"balances_add_up"}


# --- Repair ------------------------------------------------------------------------------------------
def test_orphans_are_sent_again(books: OperatorStack) -> None:
    orphans = [books.receive(f"o-{number}", age=timedelta(hours=1)) for number in range(12)]
    said = diagnosis("--repair")
    assert (said["repaired"], len(said["orphans"])) == (12, 12)
    books.consume()
    assert ({books.state(orphan) for orphan in orphans}, complaints()) == ({"PROCESSED"}, set())


def test_who_sends_an_orphan_again_is_kept(books: OperatorStack) -> None:
    orphan = books.receive("o-1", age=timedelta(hours=1))
    diagnosis("--repair", "--why", "ingest died")
    [noted] = books.replays(orphan)
    assert (noted["by"], noted["why"]) == ("arn:aws:sts::123456789012:user/moto", "ingest died")


def test_an_orphan_is_named(books: OperatorStack) -> None:
    an_event_is_in_no_queue(books)
    received_at = "2026-01-15T10:09:01.000000Z"
    assert diagnosis()["orphans"] == [{"uuid": "o-1", "event_key": CONFIRMED, "received_at": received_at}]


def test_without_being_told_to_it_sends_nothing(books: OperatorStack) -> None:
    an_event_is_in_no_queue(books)
    diagnosis()
    assert books.consume() == []


def test_orphans_that_the_queue_does_not_take_stay_orphans(books: OperatorStack, calls: Calls) -> None:
    an_event_is_in_no_queue(books)
    calls.fail("SendMessageBatch")
    said = diagnosis("--repair")
    assert (said["repaired"], detail("no_orphans")) == (0, f"1 in no queue: {CONFIRMED} of o-1")


def test_an_orphan_that_is_finished_after_all_needs_no_repair(
    books: OperatorStack, happenings: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    an_event_is_in_no_queue(books)
    monkeypatch.setattr("wickiepay_cli.store.replays.Replayer.note", lambda *_: [])
    assert (diagnosis("--repair")["repaired"], complaints("--repair"), happenings) == (0, set(), [])


def test_people_are_told_what_was_repaired(books: OperatorStack) -> None:
    an_event_is_in_no_queue(books)
    result = run("doctor", "--repair")
    assert ("1 sent to be processed." in result.stdout, result.exit_code) == (True, 0)


# --- Suspects ----------------------------------------------------------------------------------------
def test_however_many_suspects_there_are_few_are_held_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.doctor.checks.AT_ONCE", 2)
    monkeypatch.setattr("wickiepay_cli.doctor.checks.NAMED", 3)
    looked: list[list[int]] = []

    def look(batch: Any) -> Any:  # noqa: ANN401  of numbers
        looked.append(list(batch))
        return batch

    suspects = Suspects[int](look, lambda: None)
    for number in range(5):
        suspects.add(number)
    suspects.settle()
    assert (suspects.count, suspects.wrong, max(map(len, looked))) == (5, [0, 1, 2], 2)


def test_the_innocent_are_looked_at_once() -> None:
    looks: list[object] = []

    def innocent(batch: Any) -> Any:  # noqa: ANN401  of numbers
        looks.append(batch)
        return []

    suspects = Suspects[int](innocent, lambda: pytest.fail("waits for nothing"))
    suspects.add(1)
    suspects.settle()
    suspects.settle()
    assert (len(looks), suspects.count) == (1, 0)


# --- Sums --------------------------------------------------------------------------------------------
amounts = st.decimals(
    min_value=Decimal("0.000000000000000001"), max_value=10**18, places=18, allow_nan=False, allow_infinity=False
)


@given(st.lists(amounts, min_size=1, max_size=20), st.randoms())
def test_sums_are_exact_in_whatever_order_they_are_made(parts: list[Decimal], order: Any) -> None:  # noqa: ANN401
    units = int(sum(map(Fraction, parts)) * 10**18)
    exact = f"{units // 10**18}.{units % 10**18:018}"
    items: list[Any] = [
        {
            **{name: {"S": "x"} for name in ("uuid", "sk", "event", "event_key", "at")},
            "pk": {"S": "credit#x"},
            "reference": {"S": "a"},
            "currency": {"S": "EUR"},
            "amount": {"N": str(part)},
        }
        for part in parts
    ]
    items.append({"pk": {"S": "balance#a"}, "sk": {"S": "EUR"}, "amount": {"N": exact}})
    order.shuffle(items)
    tables: Any = Tables(client=None, events="", ledger="")  # type: ignore[arg-type]  # nobody is suspect
    balances = BalancesAddUp(tables, lambda: None)
    for item in items:
        balances.see(item)
    assert balances.check().ok


# --- How far it is -----------------------------------------------------------------------------------
def test_every_item_that_was_looked_at_is_told(operator: OperatorStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.doctor.report.STEP", 10)
    for number in range(15):
        operator.process(operator.receive(f"c-{number}"))  # with a payment and an entry each, and one balance
    told: list[int] = []
    audit(operator.stack(), timedelta(days=30), operator.now, lambda _: None, seen=told.append)
    assert told == [10, 5, 10, 10, 10, 1]


# --- Where to look -----------------------------------------------------------------------------------
def test_a_stack_that_does_not_say_how_long_it_keeps_events_is_asked_for_it(
    books: OperatorStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Stack("listener", OUTPUTS, books.stack().client)
    monkeypatch.setattr(stack, "find", lambda *_: silent)
    with pytest.raises(CommandError, match="give --retention-days"):
        run("doctor")
    assert run("doctor", "--retention-days", "30").exit_code == 0


@pytest.mark.usefixtures("operator")
def test_nonsense_is_wrong_usage() -> None:
    assert run("doctor", "--retention-days", "0").exit_code == 2
