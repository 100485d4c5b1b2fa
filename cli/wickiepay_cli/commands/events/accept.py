"""`wickiepay events accept` and `dismiss`: answer what the listener asks of a person."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer

from wickiepay.decimals import plain
from wickiepay.event_record import Decision
from wickiepay.identity import Kind
from wickiepay.ledger_items import Entry
from wickiepay_cli.commands import completions
from wickiepay_cli.commands.options import AsJson, DryRun, Why, Yes, confirm_change, on_stack
from wickiepay_cli.operations import answering
from wickiepay_cli.operations.answering import Accepting
from wickiepay_cli.output.tables import say, show_json
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.acceptances import Outlook

Asked = Annotated[
    str,
    typer.Argument(metavar="UUID", help="The uuid, as shown by events list --open.", autocompletion=completions.uuids),
]
WhichKey = Annotated[
    str | None,
    typer.Option(
        "--event-key",
        metavar="KEY",
        help="Which event of the uuid: its key or its event's key. The beginning of the key is enough.",
    ),
]


@on_stack
def accept(  # noqa: PLR0913  options
    found: Stack,
    uuid: Asked,
    *,
    event_key: WhichKey = None,
    second_credit: Annotated[
        bool, typer.Option("--second-credit", help="Allow a second credit for the same payment.")
    ] = False,
    why: Why = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Accept a delivery that differs from the one on record, or a possible second credit, and have it processed.

    An accepted delivery becomes an event of its own, which ranks just above the one that it corrects. A second credit
    for a payment is refused unless --second-credit is given. Accepting the same thing again changes nothing.
    """
    accepting = Accepting.of(found, uuid, event_key)
    asked, outlook, earlier = accepting.asked, accepting.question.outlook, accepting.question.acceptance
    if not as_json and not earlier:
        for each in outlook.before:
            say(f"The payment was credited {_in_words(each)} at {each.at}, by {each.event_key or each.event}.")
        say(f"{asked.event_key} would {outlook}.")
    decision = earlier
    if not dry_run:
        confirm = partial(confirm_change, found, yes=yes)
        decision = accepting.accept(why, second_credit=second_credit, confirm=confirm)
    if as_json:
        show_json(
            {
                "uuid": asked.uuid,
                "event_key": asked.event_key,
                **(asdict(decision) if decision else {}),
                "dry_run": dry_run,
                "already": earlier is not None,
                "second_credit": outlook.second,
                "failure": outlook.failure,
                "credit": _members(outlook),
                "credited_before": [{**asdict(each), "amount": plain(each.amount)} for each in outlook.before],
            }
        )
    elif earlier:
        say(f"It was already accepted, at {earlier.at} by {earlier.by}, as {earlier.accepted_as}.")
    elif decision and asked.identity.kind is Kind.CONFLICT:
        say(f"It is an event of its own now: {decision.accepted_as}.")
    elif decision:
        say("It is sent to be processed again, and credited as well.")


@on_stack
def dismiss(  # noqa: PLR0913  options
    found: Stack,
    uuid: Asked,
    *,
    event_key: WhichKey = None,
    why: Why,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Close a conflict or a possible second credit. What is on record stays as it is, and nothing is sent.

    From then on, the same content counts as a duplicate. A dismissed delivery or credit can still be accepted.
    """
    asked, decision = answering.dismiss(found, uuid, event_key, why, confirm=partial(confirm_change, found, yes=yes))
    if as_json:
        show_json({**_facts(decision), "uuid": asked.uuid, "event_key": asked.event_key, "already": not asked.open})
    else:
        say(f"{asked.event_key} was dismissed at {decision.at} by {decision.by}.")


def _in_words(made: Entry) -> str:
    return f"{plain(made.amount)} {made.currency} to {made.account_as_sent}"


def _members(outlook: Outlook) -> dict[str, Any] | None:
    if outlook.credit is None:
        return None
    credit = outlook.credit
    return {"account": credit.account, "currency": credit.currency, "amount": plain(credit.amount)}


def _facts(decision: Decision) -> dict[str, Any]:
    return {"by": decision.by, "why": decision.why, "at": decision.at}
