"""Plays a scenario of `wickiepay trigger`, and sums up the answers."""

import shlex
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from wickiepay.event import parse
from wickiepay_cli.output.progress import progress
from wickiepay_cli.output.tables import say, show_json, show_table
from wickiepay_cli.sending.client import Sender
from wickiepay_cli.sending.load import Delivered, Size, Summary, send_all
from wickiepay_cli.sending.scenarios import SCENARIOS
from wickiepay_cli.sending.steps import Cast, Step


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario of `planned` deliveries, the answers to those that were sent, and the time that it took.

    `delivered` are the sent deliveries in order; empty for a load test, which has too many. Ctrl-C leaves some unsent.
    """

    scenario: str
    planned: int
    summary: Summary
    delivered: Sequence[Delivered]
    seconds: float
    interrupted: bool

    @property
    def about(self) -> tuple[str | None, str | None]:
        """The uuid and the reference of all its deliveries, or None if they differ, as in a load test."""
        if not self.delivered:
            return None, None
        event = parse(self.delivered[0].step.body)
        reference = event.data.get("reference")
        return event.identity.uuid, reference if isinstance(reference, str) else None


def play(  # noqa: PLR0913  what trigger was told
    name: str,
    cast: Cast,
    sender: Sender,
    size: Size | None,
    where: str | None,
    *,
    as_json: bool,
) -> bool:
    """Sends a scenario and shows its result. Returns whether everything was sent and got the expected answers.

    `size` is for a storm, which has no end of its own. `where` are the options that find the stack, for the command
    that shows what came of it; None where no stack is known. Ctrl-C is passed on when all of that is said.
    """
    played = _send(name, cast, sender, size)
    if as_json:
        _show_as_json(played, sender)
    else:
        _show(played, sender, where)
    if played.interrupted:
        raise KeyboardInterrupt
    return played.summary.as_expected == played.planned


def _send(name: str, cast: Cast, sender: Sender, size: Size | None) -> Played:
    steps: Iterable[Step] = SCENARIOS[name].steps(cast)
    keep = size is None
    if size is None:
        steps = list(steps)
        size = Size(len(steps))
    summary, delivered = Summary(), list[Delivered]()
    began, interrupted = time.perf_counter(), True
    with progress(name, size.count) as advance, suppress(KeyboardInterrupt):

        def send(step: Step) -> None:
            done = Delivered(step, sender.send(step.body, step.signing))
            summary.add(done)
            if keep:
                delivered.append(done)
            advance(1)

        send_all(steps, send, size)
        interrupted = False
    return Played(name, size.count, summary, delivered, time.perf_counter() - began, interrupted)


def _show(played: Played, sender: Sender, where: str | None) -> None:
    uuid, reference = played.about
    summary = played.summary
    say(" ".join(filter(None, (played.scenario, uuid, "→", sender.url, f"({sender.scheme})"))))
    if played.delivered:
        show_table(("delivery", "answer", "took", "expected"), map(_row, played.delivered))
    else:
        answers = summary.answers.most_common()
        show_table(("status", "outcome", "answers"), ((str(s or "none"), why, str(n)) for (s, why), n in answers))
    took = "".join(f", {name} {_milliseconds(value)}" for name, value in summary.percentiles().items())
    say(
        f"{summary.deliveries} of {played.planned} sent in {played.seconds:.1f} s, {summary.as_expected} answered as "
        f"expected{took}."
    )
    look = SCENARIOS[played.scenario].look
    if look and where is not None and summary.deliveries:
        words = [word.format(uuid=uuid, reference=reference) for word in look.split()]
        say(f"See {shlex.join(['wickiepay', *words])}{where}")


def _show_as_json(played: Played, sender: Sender) -> None:
    uuid, reference = played.about
    show_json(
        {
            "scenario": played.scenario,
            "uuid": uuid,
            "reference": reference,
            "url": sender.url,
            "scheme": sender.scheme,
            "planned": played.planned,
            "sent": played.summary.deliveries,
            "as_expected": played.summary.as_expected,
            "seconds": played.seconds,
            "answer_seconds": played.summary.percentiles(),
            "answers": [
                {"status": status, "outcome": outcome, "count": count}
                for (status, outcome), count in played.summary.answers.most_common()
            ],
            "deliveries": [
                {
                    "event": each.step.event,
                    "note": each.step.note or None,
                    "expected": {"status": each.step.status, "outcome": each.step.outcome},
                    "as_expected": each.as_expected,
                    "answers": [
                        {"status": answer.status, "body": answer.content, "seconds": answer.seconds}
                        for answer in each.answers
                    ],
                }
                for each in played.delivered
            ],
        }
    )


def _row(delivered: Delivered) -> Sequence[str]:
    step, answer = delivered.step, delivered.answer
    expected = " ".join(filter(None, (str(step.status), step.outcome)))
    return (
        ", ".join(filter(None, (step.event, step.note))),
        f"{answer} \N{MULTIPLICATION SIGN}{tries}" if (tries := len(delivered.answers)) > 1 else str(answer),
        _milliseconds(answer.seconds),
        "" if delivered.as_expected else expected,
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
