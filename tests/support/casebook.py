"""The casebook: deliveries, what operators do, and what the books must say in the end.

`tests/cases/README.md` says how a case is written. Nothing here does any I/O but `read`: a case is played on a `Stack`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import InitVar, dataclass, field
from itertools import compress, product
from pathlib import Path
from random import Random
from subprocess import CompletedProcess
from typing import Any, Final, Protocol
from uuid import UUID

from wickiepay.signature import sign

PROJECT: Final = Path(__file__).parents[2]
OURS: Final = PROJECT / "tests" / "cases"
BESIDE: Final = PROJECT.parent / "shared" / "cases"
"""Cases that are kept beside a checkout, where there are any: they may be newer."""

KINDS: Final = frozenset(
    {
        *("two-payments-complete", "completed-without-reference", "channel-payment-not-credited"),
        *("credited-more-than-once", "completed-with-nothing", "amounts-differ", "direction-differs", "unclear"),
        *("credited-payout", "open-too-long", "expired-after-money", "open-conflict", "unknown-money-event"),
        *("being-retried", "provider-differs", "payments-not-compared", "one-scheme-only"),
    }
)
"""What can be worth a look."""

IN_ORDER: Final = frozenset({"unclear-standing-sticks"})
"""Cases without a wait that mean an order: where one event credits and another denies it, the first counts."""

UNKNOWN: Final = ("No such command", "No such option")
CRASHED: Final = "Traceback (most recent call last)"
"""In what a command says: no answer to the question whether it refuses."""

MAX_CHARACTERS: Final = 400
"""Of what a command says; the last of it says most."""

type Json = Any
type Written = Mapping[str, Json]
"""A case as a file has it."""

type Look = Mapping[str, Json]
"""Something that is worth a look: its kind, and what it is about."""


# --- What a case is played on ------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Request:
    body: bytes
    signature: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, and the JSON object in it."""

    status: int
    content: Mapping[str, Json]


class Stack(Protocol):
    secret: bytes
    """What deliveries are signed with."""

    def deliver(self, request: Request, times: int) -> Sequence[Answer]:
        """Sends a number of copies of a request at the same moment."""

    def settle(self) -> None:
        """Waits until nothing that was delivered waits for the consumer."""

    def command(self, *words: str) -> CompletedProcess[str]:
        """Runs the command `wickiepay`."""


# --- What a case says --------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Deliver:
    """A text, padded with blanks to `length` bytes. Its signature is made of `signed_text` where there is one."""

    text: str
    sign: str = "raw"
    signed_text: str | None = None
    length: int = 0
    content_type: str = "application/json"
    times: int = 1


@dataclass(frozen=True, slots=True)
class Command:
    words: Sequence[str]
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Until all is settled."""


type Step = Deliver | Command | Wait


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    rule: str
    why: str
    steps: Sequence[Step]
    expect: Mapping[str, Json]


def read(folders: Iterable[Path]) -> dict[str, Written]:
    """The cases in the files of these folders, by name. Of several with one name the first counts."""
    found: dict[str, Written] = {}
    for file in (file for folder in folders for file in sorted(folder.glob("*.json"))):
        for case in json.loads(file.read_text(encoding="utf-8")):
            found.setdefault(case["name"], _one_by_one(case) if case["name"] in IN_ORDER else case)
    return found


def _one_by_one(case: Written) -> Written:
    return {**case, "steps": [each for step in case["steps"] for each in (step, {"wait": "settled"})]}


def parse(written: Written) -> Case:
    """Raises ValueError for what nobody would play or look at, so that no slip of the pen makes a case always right."""
    try:
        case = Case(**{**written, "steps": [_step(**step) for step in written["steps"]]})
    except TypeError as error:
        raise ValueError(str(error)) from error
    deliveries = sum(isinstance(step, Deliver) for step in case.steps)
    expect = case.expect
    if not expect or expect.keys() - EXPECTATIONS.keys():
        raise ValueError(f"It expects nothing, or what is unknown: {sorted(expect)}.")
    if unknown := {*expect.get("worth_a_look", ()), *expect.get("not_worth_a_look", ())} - KINDS:
        raise ValueError(f"Nothing is worth a look as {sorted(unknown)}.")
    if any(len(expect[name]) != deliveries for name in ("answers", "statuses") if name in expect):
        raise ValueError(f"There are {deliveries} deliveries to be answered.")
    return case


def _step(**written: Json) -> Step:
    match written:
        case {"deliver": body, **more}:
            return Deliver(json.dumps(body, ensure_ascii=False, separators=(",", ":")), **more)
        case {"deliver_text": text, **more}:
            return Deliver(text, **more)
        case {"cli": words, **more} if more in ({}, {"exit": "refused"}):
            return Command(words, refused=bool(more))
        case {"replay": words, **more} if not more:
            return Command(["events", "replay", *words])
        case {"wait": "settled", **more} if not more:
            return Wait()
    raise ValueError(f"There is no such step: {written}.")


# --- Placeholders ------------------------------------------------------------------------------------
def _uuid(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


BASE58: Final = "123456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"
"""Of its digits those whose letter is one in the other case too."""

FRESH: Final[Mapping[str, Callable[[Random], str]]] = {
    **dict.fromkeys(("uuid", "channel", "id", "evt"), _uuid),
    "ref": lambda chance: f"ref-{chance.getrandbits(64):016x}",
    "tx": lambda chance: f"{chance.getrandbits(256):064x}",
    "base": lambda chance: "".join(chance.choices(BASE58, k=88)),
}
"""Placeholder → how to make a value of it."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z]+)([0-9]*)\}")


class Placeholders:
    """The values of a case's placeholders; `answered` are the uuids that deliveries got."""

    def __init__(self, chance: Random) -> None:
        self.answered: list[str | None] = []
        self._chance = chance
        self._values: dict[str, str] = {}

    def fill(self, value: Json) -> Json:
        """`value` with its placeholders filled in, also in the keys and values inside it. Raises ValueError."""
        if isinstance(value, str):
            return _PLACEHOLDER.sub(self._value, value)
        if isinstance(value, dict):
            return {self.fill(key): self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        return value

    def are_in(self, text: str) -> bool:
        """Whether `text` names something of this case, in upper or lower case."""
        known = filter(None, [*self._values.values(), *self.answered])
        return any(value.lower() in text.lower() for value in known)

    def _value(self, placeholder: re.Match[str]) -> str:
        word, number = placeholder.groups()
        if word == "answer":
            answered = dict(enumerate(self.answered, 1)).get(int(number or 1))
            if answered is None:
                raise ValueError(f"Delivery {number} was answered with no uuid.")
            return answered
        if word.startswith("Swap"):
            return self._fresh(word[4:], number).swapcase()
        return self._fresh(word.lower(), number).upper() if word.isupper() else self._fresh(word, number)

    def _fresh(self, word: str, number: str) -> str:
        if word not in FRESH:
            raise ValueError(f"There is no placeholder {{{word}}}.")
        return self._values.setdefault(word + number, FRESH[word](self._chance))


# --- Playing -----------------------------------------------------------------------------------------
@dataclass(slots=True)
class Play:
    """A case as it is played on a stack. `answers` are those of all copies of each delivery.

    Its placeholders stand for values that `chance` makes: no two plays on one stack may have the same.
    """

    written: Written
    stack: Stack
    chance: InitVar[Random]
    placeholders: Placeholders = field(init=False)
    answers: list[Sequence[Answer]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self, chance: Random) -> None:
        self.placeholders = Placeholders(chance)

    def rounds(self) -> Iterator[None]:
        """Plays up to the next wait, each time; then to the end."""
        for step in parse(self.written).steps:
            match step:
                case Deliver():
                    self._deliver(step)
                case Command():
                    self._command(step)
                case Wait():
                    yield

    def _deliver(self, step: Deliver) -> None:
        text = self.placeholders.fill(step.text).encode()
        body = text.ljust(step.length)
        signed = body if step.sign == "raw" else text  # blanks behind it say nothing to who writes it anew
        if step.signed_text is not None:
            signed = self.placeholders.fill(step.signed_text).encode()
        request = Request(body, sign(signed, self.stack.secret, step.sign), step.content_type)
        answers = self.stack.deliver(request, step.times)
        self.answers.append(answers)
        uuids = {answer.content.get("uuid") for answer in answers}
        self.placeholders.answered.append(uuids.pop() if len(uuids) == 1 else None)

    def _command(self, step: Command) -> None:
        words = self.placeholders.fill(step.words)
        ended = self.stack.command(*words)
        no_answer = any(text in ended.stderr for text in (*UNKNOWN, CRASHED))
        if no_answer or step.refused == (ended.returncode == 0):
            wanted = "to be refused" if step.refused else "exit code 0"
            self.problems.append(f"{_in_words(ended)}: expected {wanted}, got {ended.returncode}")


def play(cases: Iterable[Written], stack: Stack, threads: Executor) -> list[Play]:
    """Plays cases side by side: all up to their first wait, then waits once, and so on; in the end all is settled.

    What stops one of them stops no other. A case is known by its name, and so are the values of its placeholders.
    """
    plays = [Play(written, stack, Random(written["name"])) for written in cases]  # noqa: S311  no secrets
    going = [(each, each.rounds()) for each in plays]
    while going:
        unfinished = list(threads.map(_go_on, going))
        try:
            stack.settle()
        except Exception as error:  # noqa: BLE001  it is told of each case that may have to do with it
            for each, _ in going:
                each.problems.append(f"It did not settle: {error!r}")
        going = list(compress(going, unfinished))
    return plays


def _go_on(going: tuple[Play, Iterator[None]]) -> bool:
    """Plays one round of a case; whether there is another."""
    case, rounds = going
    try:
        next(rounds)
    except StopIteration:
        return False
    except Exception as error:  # noqa: BLE001  it must not stop the other cases
        case.problems.append(f"It could not be played to its end: {error!r}")
        return False
    return True


def _in_words(ended: CompletedProcess[str]) -> str:
    said = " ".join((ended.stderr or ended.stdout).split())
    return f"wickiepay {' '.join(ended.args)} ({said[-MAX_CHARACTERS:]})"


# --- Looking -----------------------------------------------------------------------------------------
def worth_a_look(audit: CompletedProcess[str]) -> Sequence[Look]:
    """All that the doctor shows, given --json. Raises ValueError where he shows no such list."""
    said = _answered(audit) or {}
    if "worth_a_look" not in said:
        raise ValueError("the doctor does not say what is worth a look")
    looks: Sequence[Look] = said["worth_a_look"]
    return looks


def differences(play: Play, looks: Callable[[], Sequence[Look]]) -> list[str]:
    """What is not as a case expects it, each with what was expected and got; at first which case, and why it is one.

    `looks` says what is worth a look, if only in other cases; it is asked where the case has something to say of that.
    """
    wrong = list(play.problems)
    seen = _Seen(play, looks)
    for name, expected in play.written["expect"].items():
        try:
            wrong += EXPECTATIONS[name](seen, play.placeholders.fill(expected))
        except ValueError as error:
            wrong.append(f"{name}: {error}")
        except KeyError as error:
            wrong.append(f"{name}: there is no {error}")
    return ["{name}: {why} ({rule})".format_map(play.written), *wrong] if wrong else []


@dataclass(frozen=True, slots=True)
class _Seen:
    """What can be seen of a case that was played: each method yields what of that is not as it is expected."""

    play: Play
    looks: Callable[[], Sequence[Look]]
    shown: dict[tuple[str, ...], Json] = field(default_factory=dict)

    def answers(self, expected: Sequence[Json]) -> Iterator[str]:
        for number, (wanted, answer) in self._each(expected):
            allowed = wanted if isinstance(wanted, list) else [wanted]
            if answer.status not in allowed:
                yield f"delivery {number}: expected {wanted}, got {answer}"

    def statuses(self, expected: Sequence[Json]) -> Iterator[str]:
        for number, (wanted, answer) in self._each(expected):
            if answer.content.get("status") != wanted:
                yield f"delivery {number}: expected {wanted}, got {answer}"

    def _each(self, expected: Sequence[Json]) -> Iterator[tuple[int, tuple[Json, Answer]]]:
        """Each delivery's number, and what was expected of each of its copies with what came."""
        for number, (wanted, answers) in enumerate(zip(expected, self.play.answers, strict=False), 1):
            yield from ((number, (wanted, answer)) for answer in answers if wanted is not None)

    def events(self, expected: Mapping[str, Json]) -> Iterator[str]:
        for uuid, wanted in expected.items():
            records = self._shown("events", "show", uuid) or []
            errors = [record["error"] for record in records if record["error"]]
            states = sorted(record["state"] for record in records)
            yield from _unlike(f"events of {uuid} {errors or ''}", wanted, states)

    def kept_at_most(self, expected: Mapping[str, int]) -> Iterator[str]:
        for uuid, most in expected.items():
            kept = [len(record["body"].encode()) for record in self._shown("events", "show", uuid) or []]
            if not kept or max(kept) > most:
                yield f"bodies kept of {uuid}: expected at most {most} bytes, got {kept}"

    def balances(self, expected: Mapping[str, Json]) -> Iterator[str]:
        for account, wanted in expected.items():
            shown = self._shown("balances", "show", account)
            yield from _unlike(f"balances of {account}", wanted, shown["balances"] if shown else {})

    def entries(self, expected: Mapping[str, int]) -> Iterator[str]:
        for account, wanted in expected.items():
            shown = self._shown("balances", "show", account)
            yield from _unlike(f"entries of {account}", wanted, len(shown["entries"]) if shown else 0)

    def orders(self, expected: Mapping[str, str | None]) -> Iterator[str]:
        for reference, wanted in expected.items():
            rows = self._shown("payments", "show", reference) or []
            statuses = sorted({row["order_status"] for row in rows if row["order_status"] is not None})
            yield from _unlike(f"order {reference}", [wanted] if wanted else [], statuses)

    def payments(self, expected: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
        for name, wanted in expected.items():
            rows = self._shown("payments", "show", name) or []
            yield from _unlike(f"payments of {name}", wanted.get("rows", 1), len(rows))
            for row, (what, value) in product(rows, wanted.items()):
                if what != "rows":
                    yield from _unlike(f"{what} of payment {name}", value, row.get(what, "no such field"))

    def worth_a_look(self, expected: Sequence[str]) -> Iterator[str]:
        kinds = sorted({look["kind"] for look in self._looks()})
        yield from (f"worth a look: expected {kind}, got {kinds}" for kind in expected if kind not in kinds)

    def not_worth_a_look(self, expected: Sequence[str]) -> Iterator[str]:
        yield from (
            f"worth a look: expected none of {expected}, got {look}"
            for look in self._looks()
            if look["kind"] in expected
        )

    def _looks(self) -> list[Look]:
        """Those at something of this case."""
        return [
            look
            for look in self.looks()
            if any(self.play.placeholders.are_in(str(look.get(name))) for name in ("uuid", "reference", "account"))
        ]

    def _shown(self, *words: str) -> Json:
        """What a command shows with --json, asked once; None where it has nothing to show, and exit code 1."""
        if words not in self.shown:
            self.shown[words] = _answered(self.play.stack.command(*words, "--json"))
        return self.shown[words]


EXPECTATIONS: Final[Mapping[str, Callable[[_Seen, Json], Iterator[str]]]] = {
    method.__name__: method
    for method in (
        *(_Seen.answers, _Seen.statuses, _Seen.events, _Seen.kept_at_most, _Seen.balances, _Seen.entries),
        *(_Seen.orders, _Seen.payments, _Seen.worth_a_look, _Seen.not_worth_a_look),
    )
}


def _answered(ended: CompletedProcess[str]) -> Json:
    """The JSON that a command ended with; None where it had none, and exit code 1. Raises ValueError otherwise."""
    if ended.returncode not in {0, 1} or CRASHED in ended.stderr:
        raise ValueError(f"{_in_words(ended)}: exit code {ended.returncode}")
    return json.loads(ended.stdout) if ended.stdout or ended.returncode == 0 else None


def _unlike(what: str, expected: Json, got: Json) -> Iterator[str]:
    if got != expected:
        yield f"{what}: expected {expected}, got {got}"
