"""An order's row says what the books say, whatever comes, and how often."""

import json
import random
from typing import Any

import pytest
from botocore.client import BaseClient

from conftest import Shop, announcement

PAID = {"order": "order-7", "status": "PAID", "payments": {"p-1"}, "changed_by": "p-1 payment.completed", "changes": 1}


def test_a_payment_that_is_announced_makes_its_order_paid(shop: Shop) -> None:
    shop.pay("p-1")
    assert shop.handle(announcement("p-1")) == 0
    assert shop.order() == PAID


def test_what_the_shop_knows_of_an_order_stays_in_its_row(shop: Shop) -> None:
    shop.place("order-7", mail="customer@example.com", goods="a book")
    shop.pay("p-1")
    shop.handle(announcement("p-1"))
    assert shop.order() == {**PAID, "mail": "customer@example.com", "goods": "a book"}


def test_a_row_that_the_shop_itself_marked_paid_stays_as_it_is(shop: Shop) -> None:
    shop.place("order-7", mail="customer@example.com", status="PAID")
    shop.pay("p-1")
    assert shop.handle(announcement("p-1")) == 0
    assert shop.order() == {"order": "order-7", "mail": "customer@example.com", "status": "PAID"}
    assert shop.mailed == []


def test_the_status_is_that_of_the_books_whatever_an_announcement_says(shop: Shop) -> None:
    shop.pay("p-1", status="EXPIRED")
    shop.pay("p-2", status="PROCESSING")
    shop.handle(announcement("p-1", "payment.completed"))
    assert shop.order()["status"] == "PENDING"


def test_a_late_announcement_of_another_payment_changes_nothing(shop: Shop) -> None:
    shop.pay("p-1")
    shop.handle(announcement("p-1"))
    shop.pay("p-2", status="EXPIRED")
    shop.handle(announcement("p-2", "payment.expired"))
    assert shop.order() == PAID


def test_neither_does_the_lag_of_the_index_of_the_books(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    query = shop.function.books._query

    def without_index(*what: Any, **more: Any) -> Any:
        return () if "IndexName" in more else query(*what, **more)

    monkeypatch.setattr(shop.function.books, "_query", without_index)
    shop.pay("p-1")
    shop.handle(announcement("p-1"))
    shop.pay("p-2", status="PENDING")
    shop.handle(announcement("p-2", "payment.created"))
    assert shop.order() == PAID


@pytest.mark.parametrize(
    ("uuid", "order", "more"),
    [("p-2", "order-7", {}), ("p-1", None, {}), ("p-1", "order-7", {"type": "OUT"})],
    ids=["unknown", "without a reference", "payout"],
)
def test_what_pays_no_order_changes_none(shop: Shop, uuid: str, order: str | None, more: dict[str, str]) -> None:
    shop.pay("p-1", order, **more)
    assert shop.handle(announcement(uuid)) == 0
    assert shop.orders() == []


# --- Once ----------------------------------------------------------------------------------------
def test_an_announcement_is_handled_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.pay("p-1")
    shop.handle(announcement("p-1"), announcement("p-1", replay_id="again"))
    monkeypatch.setattr(shop.function, "updated", None)  # a second call would fail
    assert shop.handle(announcement("p-1", record_key="payment.completed##a revision")) == 0


def test_it_is_remembered_for_longer_than_the_listener_can_say_it_again(shop: Shop) -> None:
    assert shop.function.once.expires_after_seconds > 400 * 24 * 60 * 60


def test_once_it_is_forgotten_it_changes_nothing_either(shop: Shop) -> None:
    shop.pay("p-1")
    shop.handle(announcement("p-1"))
    shop.forget()
    shop.handle(announcement("p-1"))
    assert shop.order() == PAID


def test_a_row_that_another_writes_meanwhile_is_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.pay("p-1", status="PENDING")
    order, races = shop.function.books.order, iter([True])

    def slow(*what: Any, **more: Any) -> Any:
        found = order(*what, **more)
        if next(races, False):  # what was read just now is no longer so
            shop.pay("p-1")
            shop.function.updated("order-7", "p-1", "another")
        return found

    monkeypatch.setattr(shop.function.books, "order", slow)
    shop.handle(announcement("p-1", "payment.created"))
    assert shop.order() == {**PAID, "changed_by": "another"}


def test_a_row_that_others_never_stop_writing_is_tried_again_by_the_queue(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.pay("p-1")
    get_item = shop.function.orders.get_item
    monkeypatch.setattr(shop.function.orders, "get_item", lambda **_: {"Item": {"changes": 7}})
    assert shop.handle(announcement("p-1")) == 1
    monkeypatch.setattr(shop.function.orders, "get_item", get_item)
    assert (shop.handle(announcement("p-1")), shop.order()) == (0, PAID)


# --- Mail ----------------------------------------------------------------------------------------
def test_the_customer_is_mailed_once_the_order_is_paid(shop: Shop) -> None:
    shop.place("order-7", mail="customer@example.com")
    shop.pay("p-1", status="PENDING")
    shop.handle(announcement("p-1", "payment.created"))
    assert shop.mailed == []
    shop.pay("p-1")
    shop.handle(announcement("p-1"), announcement("p-1"), announcement("p-1", "payment.processing"))
    assert shop.mailed == ["customer@example.com"]


def test_a_mail_that_could_not_be_sent_is_sent_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.place("order-7", mail="customer@example.com")
    shop.pay("p-1")
    with monkeypatch.context() as outage:
        outage.setattr(shop.function.mails, "send_email", None)
        assert shop.handle(announcement("p-1")) == 1
    assert shop.order()["changes"] == 1
    assert shop.handle(announcement("p-1")) == 0
    assert shop.mailed == ["customer@example.com"]
    assert shop.order()["changes"] == 1


def test_without_a_sender_nobody_is_mailed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.function, "mail_from", "")
    shop.place("order-7", mail="customer@example.com")
    shop.pay("p-1")
    assert shop.handle(announcement("p-1")) == 0
    assert shop.mailed == []


# --- Batches -------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", ["", "{}", '{"detail": {}}', "[]", '{"detail": {"version": "2"}}'])
def test_what_is_no_announcement_comes_back_alone(shop: Shop, body: str) -> None:
    shop.pay("p-1")
    assert shop.handle_bodies(body, json.dumps({"detail": announcement("p-1")})) == 1
    assert shop.order() == PAID


# --- All of it -----------------------------------------------------------------------------------
EVENTS = ("payment.created", "payment.processing", "payment.completed")


class Killed(BaseException):
    """The function ends here, as if its container were stopped."""


@pytest.mark.parametrize("seed", range(2))
def test_each_row_changes_once_in_whatever_order_and_wherever_the_function_is_killed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Thirty announcements, three times each, shuffled; then all of them again, when all records have expired."""
    chance = random.Random(seed)  # noqa: S311  no cryptography
    orders = [f"order-{number}" for number in range(10)]
    for order in orders:
        shop.place(order, mail=f"{order}@example.com")
        shop.pay(f"payment-of-{order}", order)
    call = vars(BaseClient)["_make_api_call"]

    def mortal(client: Any, operation: str, request: Any) -> Any:
        if chance.random() < 0.05:
            raise Killed
        answer = call(client, operation, request)
        if chance.random() < 0.05:
            raise Killed
        return answer

    def announce_all() -> list[dict[str, Any]]:
        left = [announcement(f"payment-of-{order}", event) for order in orders for event in EVENTS] * 3
        chance.shuffle(left)
        while left:
            batch, left = left[:5], left[5:]
            try:
                with monkeypatch.context() as patched:
                    patched.setattr(BaseClient, "_make_api_call", mortal)
                    done = shop.handle(*batch) == 0
            except Killed:
                done = False
            left += [] if done else batch
        return sorted(shop.orders(), key=lambda row: str(row["order"]))

    first = announce_all()
    shop.forget()
    again = announce_all()

    assert [(row["order"], row["status"], row["changes"]) for row in first] == [(each, "PAID", 1) for each in orders]
    assert again == first
    assert set(shop.mailed) == {f"{order}@example.com" for order in orders}
