"""Every event type's effects on the books."""

from collections.abc import Mapping, Sequence

import pytest

import handlers
from tests.support.deliveries import EventOf
from tests.support.deployed import SETTINGS
from tests.support.handler_tests import with_own_test
from wickiepay.effects import Credit, Effect, Refuse, SetPayment, SetResource
from wickiepay.routing import Settings, discover, router

discover(handlers)

type Data = Mapping[str, object]
AMOUNT = {"currency": "EUR", "amount": 100}
IN: Data = {"uuid": "u", "type": "IN", "reference": "r", "displayCurrency": AMOUNT}
OUT: Data = {**IN, "type": "OUT"}


CREDITING = {"channel.payment.confirmed", "channel.payment.completed"}


def in_short(effects: Sequence[Effect]) -> list[tuple[object, ...]]:
    short: list[tuple[object, ...]] = []
    for effect in effects:
        match effect:
            case SetPayment():
                short.append(("payment", effect.uuid, stage_of(effect), effect.says.value("status")))
            case SetResource():
                short.append((effect.kind, effect.id, stage_of(effect), effect.status))
            case Credit():
                short.append(("credit", effect.account, effect.currency, str(effect.amount)))
    return short


def stage_of(effect: SetPayment | SetResource) -> int:
    return int(effect.position.partition("|")[0])


TABLE: list[tuple[str, Data, Sequence[tuple[object, ...]]]] = [
    ("payment.created", IN, [("payment", "u", 10, "PENDING")]),
    ("payment.processing", IN, [("payment", "u", 20, "PROCESSING")]),
    ("payment.underpaid", IN, [("payment", "u", 30, "UNDERPAID")]),
    ("payment.expired", IN, [("payment", "u", 30, "EXPIRED")]),
    ("payment.cancelled", IN, [("payment", "u", 30, "CANCELLED")]),
    ("payment.completed", IN, [("payment", "u", 90, "COMPLETE")]),
    ("payment.created", OUT, [("payment", "u", 10, "PENDING")]),
    ("payment.processing", OUT, [("payment", "u", 20, "PROCESSING")]),
    ("payment.underpaid", OUT, [("payment", "u", 30, "UNDERPAID")]),
    ("payment.expired", OUT, [("payment", "u", 30, "EXPIRED")]),
    ("payment.cancelled", OUT, [("payment", "u", 30, "CANCELLED")]),
    ("payment.completed", OUT, [("payment", "u", 90, "COMPLETE")]),
    ("channel.payment.detected", IN, [("payment", "u", 10, "DETECTED")]),
    (
        "channel.payment.confirmed",
        IN,
        [("payment", "u", 50, "CONFIRMED"), ("credit", "r", "EUR", "100")],
    ),
    ("channel.payment.confirmed", OUT, [("payment", "u", 50, "CONFIRMED")]),
    ("channel.payment.completed", IN, [("payment", "u", 90, "COMPLETE"), ("credit", "r", "EUR", "100")]),
    ("channel.payment.completed", OUT, [("payment", "u", 90, "COMPLETE")]),
    ("channel.payment.detected", {"uuid": "u"}, [("payment", "u", 10, "DETECTED")]),
    ("channel.payment.completed", {"uuid": "u"}, [("payment", "u", 90, "COMPLETE")]),
    *(
        (f"{kind}.status_change", {"id": "i", "status": status}, [(kind, "i", stage, status)])
        for kind in ("deposit", "withdrawal", "consolidation")
        for status, stage in (("PENDING", 10), ("CONFIRMED", 50), ("COMPLETE", 90), ("SOMETHING_NEW", 40))
    ),
    ("crypto.address.created", {"id": "i", "status": "ACTIVE"}, [("address", "i", 10, "ACTIVE")]),
    ("trade.conversion.created", {"id": "i"}, [("conversion", "i", 10, None)]),
    ("trade.conversion.state_changed", {"id": "i", "state": "COMPLETE"}, [("conversion", "i", 90, "COMPLETE")]),
    ("approval.vote_required", {"id": "i", "status": "PENDING"}, [("approval", "i", 10, "PENDING")]),
    ("approval.request.status_changed", {"id": "i", "status": "APPROVED"}, [("approval", "i", 50, "APPROVED")]),
    ("balance.updated", {"asset": "BTC", "assetPoolId": "p"}, [("balance", "BTC#p", 0, None)]),
    ("balance.updated", {"asset": "BTC"}, [("balance", "BTC#-", 0, None)]),
    ("balance.updated", {"currency": "BTC"}, [("balance", "BTC#-", 0, None)]),
    ("balance.updated", {"assetPoolId": 7}, [("balance", "-#7", 0, None)]),
    ("balance.updated", {"id": "i"}, [("balance", "i", 0, None)]),
    ("audit.api", {"id": "i"}, []),
    ("audit.login", {}, []),
]


@pytest.mark.parametrize(("name", "data", "effects"), TABLE)
def test_every_event_type(name: str, data: Data, effects: Sequence[tuple[object, ...]], event_of: EventOf) -> None:
    assert in_short(router[name](event_of(name, data), SETTINGS)) == effects


def test_the_table_holds_every_event_type_whose_handler_has_no_test_of_its_own() -> None:
    assert {name for name, _, _ in TABLE} == set(router) - with_own_test(router)


@pytest.mark.parametrize("name", sorted(set(router) - CREDITING))
@pytest.mark.parametrize("direction", ["IN", "OUT", "DEPOSIT", None])
def test_nothing_but_a_channel_payment_that_came_credits(name: str, direction: object, event_of: EventOf) -> None:
    effects = router[name](event_of(name, {**IN, "id": "i", "type": direction}), SETTINGS)

    assert not any(isinstance(effect, Credit) for effect in effects)


@pytest.mark.parametrize("name", sorted(set(router) - CREDITING))
def test_every_other_event_can_be_handled_without_any_field(name: str, event_of: EventOf) -> None:
    router[name](event_of(name, {}), SETTINGS)


def test_a_confirmed_channel_payment_without_an_account_is_refused_and_sets_its_payment(event_of: EventOf) -> None:
    effects = router["channel.payment.confirmed"](event_of("channel.payment.confirmed", {"uuid": "u"}), SETTINGS)

    assert [type(effect) for effect in effects] == [SetPayment, Refuse]


@pytest.mark.parametrize(
    ("name", "underpaid", "money_came"),
    [
        ("payment.created", False, False),
        ("payment.processing", False, False),
        ("payment.underpaid", True, True),
        ("payment.expired", False, False),
        ("payment.cancelled", False, False),
        ("payment.completed", False, True),
    ],
)
def test_how_much_money_has_come(name: str, event_of: EventOf, *, underpaid: bool, money_came: bool) -> None:
    [effect] = router[name](event_of(name, IN), SETTINGS)
    assert isinstance(effect, SetPayment)
    assert (effect.says.underpaid, effect.says.money_came) == (underpaid, money_came)


@pytest.mark.parametrize("name", sorted(CREDITING))
def test_the_account_is_named_by_the_stacks_settings(name: str, event_of: EventOf) -> None:
    data = {**IN, "metadata": {"customerId": "c-7"}}

    effects = router[name](event_of(name, data), Settings(account_field="metadata.customerId"))

    assert [effect.account for effect in effects if isinstance(effect, Credit)] == ["c-7"]
