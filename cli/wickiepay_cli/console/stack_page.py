"""The stack itself: queues, dead letters, secrets, parameters, alarms, and where AWS shows it. Never a secret."""

from collections.abc import Callable
from functools import partial
from itertools import chain, islice
from typing import Any, Final

from wickiepay import clock
from wickiepay_cli.errors import EXPECTED, sentence
from wickiepay_cli.operations.redriving import with_records
from wickiepay_cli.stacks.console_urls import PAGES, addresses
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.dead_letters import message_count
from wickiepay_cli.store.secret_uses import last_uses
from wickiepay_cli.store.secret_versions import CURRENT, PREVIOUS, rotation_known_from

LETTERS: Final = 50

type Told = tuple[Any, str | None]
"""What was found and None, or else None and the sentence that says why nothing was."""


def found(stack: Stack, *, letters: bool) -> dict[str, Any]:
    """What is known of a stack. Each part stands for itself: a person may be allowed to see one and not another.

    Looking at dead letters hides them from others for a moment, so they are looked at only if `letters` says so.
    """
    return {
        "queues": _told(lambda: _queues(stack)),
        "letters": _told(lambda: _letters(stack)) if letters else None,
        "secrets": _told(lambda: _secrets(stack)),
        "alarms": _told(lambda: _alarms(stack)) if stack.deployed else None,
        "links": _told(lambda: _links(stack)) if stack.deployed else None,
    }


def _told(look: Callable[[], Any]) -> Told:
    try:
        return look(), None
    except EXPECTED as error:
        return None, sentence(error)


def _queues(stack: Stack) -> list[tuple[str, int]]:
    names = {"event queue": "EventQueueUrl", "dead-letter queue": "DeadLetterQueueUrl"}
    return [(name, message_count(stack.sqs(), stack.output(output))) for name, output in names.items()]


def _letters(stack: Stack) -> list[Any]:
    with stack.dead_letters() as dead:
        batches = (with_records(stack, batch) for batch in dead.letters())
        return list(islice(chain.from_iterable(batches), LETTERS))


def _secrets(stack: Stack) -> dict[str, Any]:
    """The versions of the signing secret, when each last signed a delivery, and since when a rotation is known."""
    versions = stack.secret().staged()
    known_from = rotation_known_from(versions)
    uses = None
    if stack.deployed:  # the emulator counts nothing
        monitoring = stack.parameters.get("Monitoring", "full")
        uses = last_uses(stack.client("cloudwatch"), stack.name, monitoring, known_from, clock.now())
    accepted = [each for each in versions if {CURRENT, PREVIOUS} & {*each.stages}]
    rows = [
        (each, next((uses or {}).get(stage) for stage in (CURRENT, PREVIOUS) if stage in each.stages))
        for each in accepted
    ]
    return {"versions": rows, "known_from": known_from, "uses_known": uses is not None}


def _alarms(stack: Stack) -> list[tuple[str, str]]:
    """The alarms of the stack that ring, and why."""
    pages = stack.client("cloudwatch").get_paginator("describe_alarms")
    ringing = pages.paginate(AlarmNamePrefix=f"{stack.name}-", StateValue="ALARM")
    return [
        (alarm["AlarmName"], alarm.get("StateReason", ""))
        for answer in ringing
        for alarm in [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    ]


def _links(stack: Stack) -> list[tuple[str, str]]:
    there = [_told(partial(addresses, stack, what)) for what in PAGES]  # a lean stack has no dashboard
    shown = (
        (what, name, url) for what, (links, _) in zip(PAGES, there, strict=True) for name, url in (links or {}).items()
    )
    return [(name if name == what else f"{what}: {name}", url) for what, name, url in shown]
