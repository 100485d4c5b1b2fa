"""`wickiepay events accept`: makes a conflict an event of its own."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer

from wickiepay import clock
from wickiepay.decimals import plain
from wickiepay.effects import Credit, credit
from wickiepay.errors import PermanentFailure
from wickiepay.event import WebhookEvent
from wickiepay.queue import EventQueue
from wickiepay_cli import stack
from wickiepay_cli.acceptance import Acceptances, one_conflict, original
from wickiepay_cli.books import Books, Credited
from wickiepay_cli.caller import name_of_caller
from wickiepay_cli.display import ask, say, show_json
from wickiepay_cli.options import AsJson, DryRun, Profile, Region, StackName, Why, Yes
from wickiepay_cli.records import EventRecords

CREDITING: Final = frozenset({"channel.payment.confirmed"})
"""Events that credit an account, unless somebody has changed their handlers."""


def accept(  # noqa: PLR0913  options
    uuid: Annotated[str, typer.Argument(help="The uuid, as events list --state CONFLICT shows it.")],
    *,
    event_key: Annotated[
        str | None, typer.Option("--event-key", metavar="KEY", help="Of the uuid's conflicts this one.")
    ] = None,
    why: Why = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Make a delivery that differs from the one on record an event of its own, and have it processed.

    What it credits is credited besides what the first delivery did. Accepting it twice does nothing twice.
    """
    found = stack.find(stack_name, profile, region)
    events = found.output("EventTableName")
    conflict = one_conflict(EventRecords(found.dynamodb(), events).of_uuid(uuid), event_key)
    acceptances = Acceptances(found.dynamodb(), events, EventQueue(found.sqs(), found.output("EventQueueUrl")))
    books = Books(found.dynamodb(), found.output("LedgerTableName"))
    first = original(conflict)
    credits_so_far = [each for each in books.credits_of(conflict.uuid) if each.event_key == first.event_key]
    earlier = acceptances.find(conflict)
    to_come = credits_of(acceptances.event(conflict), found.parameters.get("AccountField", "reference"), credits_so_far)
    if not as_json:
        for each in credits_so_far:
            say(f"The first delivery of {first.event_key} credited {_in_words(each)} at {each.at}.")
        if not credits_so_far:
            say(f"The first delivery of {first.event_key} has credited nothing.")
        if not earlier:
            say(f"The second one would {to_come}.")
    if stack_name is not None and not yes and not earlier and not dry_run:
        question = f"Have the second one processed too, so that it may {to_come}, in the stack {stack_name}?"
        ask(question)
    acceptance = (
        earlier if earlier or dry_run else acceptances.accept(conflict, name_of_caller(found), why, clock.now())
    )
    if as_json:
        made = [{**asdict(each), "amount": plain(each.amount)} for each in credits_so_far]
        whole = {"uuid": conflict.uuid, "event_key": conflict.event_key, **(asdict(acceptance) if acceptance else {})}
        show_json({**whole, "dry_run": dry_run, "already": earlier is not None, "original_credits": made})
    elif earlier:
        say(f"The second was accepted already, at {earlier.at} by {earlier.by}, as {earlier.accepted_as}.")
    elif acceptance:
        say(f"The second is an event of its own now: {acceptance.accepted_as}.")


def credits_of(event: WebhookEvent, account_field: str, first: Sequence[Credited]) -> str:
    """What an event will do to balances, as far as this command knows: handlers may have been changed.

    That its kind credits is known of one, and seen where the `first` delivery credited.
    """
    if event.name not in CREDITING and not first:
        return "credit nothing"
    try:
        made = [f"credit {_in_words(each)}" for each in credit(event, account_field)]
    except PermanentFailure as failure:
        return f"fail: {failure}".rstrip(".")
    return " and ".join(made) or "credit nothing"


def _in_words(made: Credited | Credit) -> str:
    return f"{plain(made.amount)} {made.currency} to {made.account}"
