"""What events would do to money, in words, for a person who is asked before they are processed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from wickiepay.decimals import plain
from wickiepay.effects import Credit, Effect, SetPayment
from wickiepay.errors import PermanentFailure
from wickiepay.event import WebhookEvent
from wickiepay_cli.checkout.handlers import handlers_of
from wickiepay_cli.doctor.balances import EXACT
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.acceptances import HandlerOfStack


def processed_again(what: str, events: Iterable[WebhookEvent], found: Stack) -> str:
    """`what` is done to the events so that the consumer processes them again, and what comes of that."""
    money = in_money(events, handlers_of(found))
    return f"{what}, and so {money} where that is not done yet" if money else what


def in_money(events: Iterable[WebhookEvent], handlers: Mapping[str, HandlerOfStack]) -> str | None:
    """What the events would do by these handlers, as in "credit 5 EUR to customer-7 and mark order-7 as paid".

    None if they would do nothing to the books. A payment counts once, however many of its events credit it.
    """
    unknown: set[str] = set()
    effects: list[Effect] = []
    for event in events:
        if event.name not in handlers:
            unknown.add(event.name)
            continue
        try:
            effects += handlers[event.name](event)
        except PermanentFailure:  # it would be FAILED, and do nothing
            continue
    credits_ = _credits(each for each in effects if isinstance(each, Credit) and not each.flaw)
    orders = {order for each in effects if isinstance(each, SetPayment) and (order := _paid_order(each))}
    does = [
        _credited(credits_) if credits_ else None,
        f"mark {_one_or_many(orders, 'orders')} as paid" if orders else None,
        f"have {_one_or_many(unknown, 'types of events')} processed, which nothing here handles" if unknown else None,
    ]
    nothing_to_money = "change the books, but move no money" if effects else None
    return " and ".join(filter(None, does)) or nothing_to_money


def _credits(wanted: Iterable[Credit]) -> list[Credit]:
    """Each payment's credits once, with those that are made only if there is no other in last place."""
    kept: dict[str, dict[str, Credit]] = defaultdict(dict)
    for each in sorted(wanted, key=lambda each: each.if_missing):
        if not (each.if_missing and kept[each.uuid]):
            kept[each.uuid][each.entry] = each
    return [each for entries in kept.values() for each in entries.values()]


def _credited(made: Iterable[Credit]) -> str:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    accounts = set()
    for each in made:
        totals[each.currency] = EXACT.add(totals[each.currency], each.amount)
        accounts.add(each.account)
    amounts = " and ".join(f"{plain(total)} {currency}" for currency, total in totals.items())
    return f"credit {amounts} to {_one_or_many(accounts, 'accounts')}"


def _paid_order(effect: SetPayment) -> str | None:
    """The order that a completed payment pays, if any."""
    payment = effect.says
    pays = effect.family == "payment" and payment.directions.effective in {"IN", None}
    return payment.value("reference") if pays and payment.value("status") == "COMPLETE" else None


def _one_or_many(names: set[str], many: str) -> str:
    return next(iter(names)) if len(names) == 1 else f"{len(names)} {many}"
