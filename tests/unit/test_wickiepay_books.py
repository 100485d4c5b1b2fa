"""`wickiepay_books` reads what the consumer writes, as docs/ledger.md says."""

import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.deliveries import EventOf
from tests.support.deployed import SETTINGS
from wickiepay.identity import bounded
from wickiepay.ledger import Ledger
from wickiepay.routing import router
from wickiepay.spelling import normal_spelling
from wickiepay_books import Balance, Books, Money, in_key, spellings
from wickiepay_cli.project import PROJECT

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

UUID: Final = "9204c333-4469-4b29-b7cb-b6c1fb41d1d4"
MONEY: Final = {"displayCurrency": {"currency": "EUR", "amount": 100.50}}

type Happen = Callable[..., None]


@pytest.fixture
def books(ledger: Ledger, dynamodb: "DynamoDBClient") -> Books:
    return Books.of_table(dynamodb, ledger.table)


@pytest.fixture
def happen(ledger: Ledger, event_of: EventOf) -> Happen:
    """Applies the effects of an event, as the consumer does."""

    def happen(name: str, uuid: str = UUID, reference: str = "order-7", **data: object) -> None:
        for effect in router[name](event_of(name, {"uuid": uuid, "reference": reference, **data}), SETTINGS):
            ledger.apply(effect, {})

    return happen


def test_a_payment_has_what_its_events_say(books: Books, happen: Happen) -> None:
    paid = {"paidCurrency": {"currency": "USDT", "amount": 108.5}}
    happen("payment.completed", type="IN", **MONEY, **paid)

    payment = books.payment(UUID.upper())

    assert payment
    assert (payment.uuid, payment.reference, payment.type, payment.status) == (UUID, "order-7", "IN", "COMPLETE")
    assert (payment.display, payment.paid) == (Money("EUR", Decimal("100.5")), Money("USDT", Decimal("108.5")))
    assert (payment.money_came, payment.underpaid, payment.credited) == (True, False, False)
    assert payment.amounts == {"display EUR 100.5", "paid USDT 108.5"}
    assert (payment.event, payment.updated_at) == ("payment.completed", "2026-01-15T10:25:00.000000Z")


def test_a_payment_into_a_channel_is_another(books: Books, happen: Happen) -> None:
    happen("channel.payment.confirmed", **MONEY)

    channel = books.channel_payment(UUID)
    assert channel
    assert (channel.status, channel.credited, books.payment(UUID)) == ("CONFIRMED", True, None)
    assert books.balance("order-7") == Balance("order-7", {"EUR": Decimal("100.5")})


def test_nothing_is_known_of_the_unknown(books: Books) -> None:
    assert (books.payment(UUID), books.channel_payment("x"), books.balance("nobody").amounts) == (None, None, {})
    assert (books.order("nothing").status, books.order("nothing").payments) == (None, [])


def test_an_order_has_its_payments_in_the_order_of_their_last_changes(books: Books, happen: Happen) -> None:
    happen("payment.completed", "p-1", type="OUT")
    happen("payment.expired", "p-2")
    happen("payment.expired", "p-3", reference="order-8")

    order = books.order("order-7")
    assert ([each.uuid for each in order.payments], order.status) == (["p-1", "p-2"], "EXPIRED")


def test_what_the_index_does_not_have_yet_is_read_if_it_is_named(
    books: Books, happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen("payment.completed", UUID)
    happen("payment.completed", "p-2", reference="order-8")
    query = books._query
    monkeypatch.setattr(books, "_query", lambda *found, **more: () if "IndexName" in more else query(*found, **more))

    assert books.order("order-7").status is None
    assert books.order("order-7", also=[UUID.upper(), "p-2"]).status == "PAID"
    assert len(books.order("order-7", also=[UUID, "p-2"]).payments) == 1


@pytest.mark.parametrize("consistent", [False, True])
def test_a_read_is_strongly_consistent_on_demand(
    books: Books, happen: Happen, dynamodb: "DynamoDBClient", *, consistent: bool
) -> None:
    happen("payment.completed")
    asked: list[dict[str, Any]] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.Query", lambda params, **_: asked.append(params))

    books.payment(UUID, consistent=consistent)
    books.order("order-7", consistent=consistent)
    books.balance("order-7", consistent=consistent)

    of_table = [each["ConsistentRead"] for each in asked if "IndexName" not in each]
    assert set(of_table) == {consistent}
    assert ["ConsistentRead" in each for each in asked if "IndexName" in each] == [False]


def test_what_is_read_cannot_be_changed(books: Books, happen: Happen) -> None:
    happen("payment.completed")
    payment = books.payment(UUID)
    with pytest.raises(FrozenInstanceError):
        payment.status = "EXPIRED"  # type: ignore[misc, union-attr]


def session(dynamodb: "DynamoDBClient", outputs: dict[str, str]) -> Any:  # noqa: ANN401
    """A session that knows one stack."""
    described = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    cloudformation = SimpleNamespace(describe_stacks=lambda StackName: {"Stacks": [{"Outputs": described}]})  # noqa: ARG005, N803
    return SimpleNamespace(client={"cloudformation": cloudformation, "dynamodb": dynamodb}.__getitem__)


def test_a_stack_that_is_no_listener_is_refused(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(LookupError, match="shop has no output LedgerTableName"):
        Books(session(dynamodb, {"Other": "x"}), "shop")


def test_the_example_of_the_page_runs(
    happen: Happen, ledger: Ledger, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    happen("payment.completed")
    happen("channel.payment.confirmed", "p-2", reference="customer-7", **MONEY)
    monkeypatch.setattr(boto3, "Session", lambda: session(dynamodb, {"LedgerTableName": ledger.table}))
    page = (PROJECT / "docs/ledger.md").read_text()
    [code] = re.findall(r'^```python title="orders.py"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL)

    said: dict[str, Any] = {}
    exec(compile(code, "orders.py", "exec"), said)  # noqa: S102  our own page

    assert (said["order"].status, said["payment"].status) == ("PAID", "COMPLETE")
    assert said["balance"].amounts == {"EUR": Decimal("100.5")}


@given(
    st.text(min_size=1)
    | st.from_regex(r" ?(0x|0X)?[0-9a-fA-F]{64} ?", fullmatch=True)
    | st.uuids().map(str).map(str.upper)
    | st.just("sha256:" + "0" * 64)
    | st.text("a", min_size=199, max_size=202)
)
def test_keys_are_spelled_as_the_consumer_spells_them(text: str) -> None:
    assert in_key(text) == bounded(text)
    assert spellings(text)[0] == bounded(normal_spelling(text))
