"""`wickiepay dlq redrive`: gives dead letters another chance."""

from collections.abc import Sequence
from typing import Annotated

import typer

from wickiepay.queue import EventQueue
from wickiepay_cli import stack
from wickiepay_cli.dead_letters import FOREIGN, DeadLetter, message_count, missing, of_stack
from wickiepay_cli.display import say, show_json
from wickiepay_cli.failure import Failure
from wickiepay_cli.options import AsJson, DryRun, Profile, Rate, Region, StackName
from wickiepay_cli.pace import batch_size, paced
from wickiepay_cli.progress import progress


def redrive(  # noqa: PLR0913  options
    *,
    ids: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="A message, as dlq list shows it; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All messages.")] = False,
    dry_run: DryRun = False,
    rate: Rate = None,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Send messages to the event queue again; each is deleted here once that queue has taken it.

    Nothing is done twice however often an event comes. Exit code 1 where a message is missing or had to stay.
    """
    if bool(ids) == everything:
        raise typer.BadParameter("give either --id, for a message, or --all.")
    found = stack.find(stack_name, profile, region)
    queue = EventQueue(found.sqs(), found.output("EventQueueUrl"))
    wanted, redriven, foreign, unsent = set(ids or ()), 0, 0, 0
    total = len(wanted) or message_count(found.sqs(), found.output("DeadLetterQueueUrl"))
    with of_stack(found) as dead, progress("Redriving", total, hidden=dry_run) as advance:
        for batch in paced(dead.letters(batch_size(rate)), rate):
            chosen = [letter for letter in batch if everything or letter.id in wanted]
            ours = [letter for letter in chosen if letter.message]
            sent = ours if dry_run else dead.redrive(ours, queue)
            if dry_run and not as_json:
                _show_brief(ours)
            wanted -= {letter.id for letter in chosen}
            redriven += len(sent)
            foreign += len(chosen) - len(ours)
            unsent += len(ours) - len(sent)
            advance(len(chosen))
            if unsent or not (everything or wanted):
                break
    if as_json:
        outcome = {"redriven": redriven, "foreign": foreign, "unsent": unsent, "missing": sorted(wanted)}
        show_json({"dry_run": dry_run, **outcome})
    else:
        say(f"{redriven} {'would be' if dry_run else 'were'} sent to the event queue again.")
    if wanted:
        raise Failure(missing(sorted(wanted)))
    if foreign:
        raise Failure(f"{foreign} stay: {FOREIGN}")
    if unsent:
        raise Failure(f"The event queue did not take {unsent} of them: they stay, try again later.")


def _show_brief(letters: Sequence[DeadLetter]) -> None:
    for letter in letters:
        assert letter.message
        identity = letter.message.identity
        say(f"{letter.id} {identity.event_key} {identity.uuid}")
