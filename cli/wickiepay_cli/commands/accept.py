"""`wickiepay events accept`: makes a conflict an event of its own."""

from dataclasses import asdict
from typing import Annotated

import typer

from wickiepay import clock
from wickiepay.decimals import plain
from wickiepay.queue import EventQueue
from wickiepay_cli import stack
from wickiepay_cli.acceptance import Acceptances, one_conflict, original
from wickiepay_cli.books import Books, Credited
from wickiepay_cli.caller import name_of_caller
from wickiepay_cli.display import say, show_json
from wickiepay_cli.options import AsJson, Profile, Region, StackName, Why, Yes
from wickiepay_cli.records import EventRecords


def accept(  # noqa: PLR0913  options
    uuid: Annotated[str, typer.Argument(help="The uuid, as events list --state CONFLICT shows it.")],
    *,
    event_key: Annotated[
        str | None, typer.Option("--event-key", metavar="KEY", help="Of the uuid's conflicts this one.")
    ] = None,
    why: Why = "",
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
    if not as_json:
        for credit in credits_so_far:
            say(f"The first delivery of {first.event_key} credited {_in_words(credit)}.")
        if not credits_so_far:
            say(f"The first delivery of {first.event_key} has credited nothing.")
    if stack_name is not None and not yes and not earlier:
        typer.confirm(f"Have the second one processed too, in the stack {stack_name}?", abort=True, err=True)
    acceptance = earlier or acceptances.accept(conflict, name_of_caller(found), why, clock.now())
    if as_json:
        made = [{**asdict(credit), "amount": plain(credit.amount)} for credit in credits_so_far]
        whole = {"uuid": conflict.uuid, "event_key": conflict.event_key, **asdict(acceptance)}
        show_json({**whole, "already": earlier is not None, "original_credits": made})
    elif earlier:
        say(f"The second was accepted already, at {earlier.at} by {earlier.by}, as {earlier.accepted_as}.")
    else:
        say(f"The second is an event of its own now: {acceptance.accepted_as}.")


def _in_words(credit: Credited) -> str:
    return f"{plain(credit.amount)} {credit.currency} to {credit.account} at {credit.at}"
