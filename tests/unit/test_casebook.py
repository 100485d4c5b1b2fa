"""The casebook's own player and comparison: whatever a stack does wrong is told."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from subprocess import CompletedProcess
from typing import Any, Final

import pytest

from tests.support import casebook
from tests.support.actors import SameThread
from tests.support.casebook import Answer, Placeholders, Request
from wickiepay.signature import sign

UUID: Final = "5b0a3c3e-6f0e-4b39-9d3b-1f1f0a6f7c11"
PAYMENT: Final = {"order_status": "PAID", "status": "COMPLETE", "paid": None}
SHOWN: Final[dict[str, Any]] = {
    "events show": [{"state": "PROCESSED", "error": None, "body": "{…}"}],
    "balances show": {"balances": {"EUR": "5"}, "entries": [{}]},
    "payments show": [PAYMENT],
    "doctor": {"worth_a_look": [{"kind": "unclear", "uuid": UUID}, {"kind": "open-conflict", "uuid": "another's"}]},
}


@dataclass(slots=True)
class Canned:
    """A stack that answers, and shows, always the same; `happened` is what was done to it."""

    secret: bytes = b"whsec"
    answer: Answer = field(default_factory=lambda: Answer(200, {"status": "accepted", "uuid": UUID}))
    ended: CompletedProcess[str] | None = None
    happened: list[Request | str] = field(default_factory=list)

    def deliver(self, request: Request, times: int) -> Sequence[Answer]:
        self.happened += [request] * times
        return [self.answer] * times

    def settle(self) -> None:
        self.happened.append("settled")

    def command(self, *words: str) -> CompletedProcess[str]:
        self.happened.append(" ".join(words))
        [shown] = [json.dumps(SHOWN[name]) for name in SHOWN if " ".join(words).startswith(name)] or [""]
        return self.ended or CompletedProcess(words, 0, shown, "")


def case(*steps: object, **expect: object) -> dict[str, Any]:
    expect = expect or {"entries": {}}
    return {"name": "a case", "rule": "a rule", "why": "So.", "steps": list(steps), "expect": expect}


def differences(stack: Canned, *steps: object, **expect: object) -> list[str]:
    """What is told of a case, but for its name."""
    [played] = casebook.play([case(*steps, **expect)], stack, SameThread())
    return casebook.differences(played, lambda: casebook.worth_a_look(stack.command("doctor", "--json")))[1:]


DELIVERED: Final = {"deliver": {"event": "e"}}


def test_the_cases_here_have_names_of_their_own_and_can_be_played() -> None:
    names = [each["name"] for file in casebook.OURS.glob("*.json") for each in json.loads(file.read_text())]
    cases = casebook.read([casebook.OURS])
    assert sorted(names) == sorted(cases)
    for each in cases.values():
        casebook.parse(each)


# --- What is as it should be, and what is not --------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("answers", [200], [401]),
        ("answers", [[200, 503]], [[401, 413]]),
        ("answers", [None], [503]),
        ("statuses", ["accepted"], ["duplicate"]),
        ("events", {"{answer1}": ["PROCESSED"]}, {"{answer1}": ["FAILED"]}),
        ("events", {"{answer1}": ["PROCESSED"]}, {"{answer1}": ["PROCESSED", "PROCESSED"]}),
        ("kept_at_most", {"{answer1}": 5}, {"{answer1}": 4}),
        ("balances", {"{ref}": {"EUR": "5"}}, {"{ref}": {"EUR": "5.0"}}),
        ("balances", {"{ref}": {"EUR": "5"}}, {"{ref}": {}}),
        ("entries", {"{ref}": 1}, {"{ref}": 0}),
        ("orders", {"{ref}": "PAID"}, {"{ref}": "PENDING"}),
        ("orders", {"{ref}": "PAID"}, {"{ref}": None}),
        ("payments", {"{uuid}": {}}, {"{uuid}": {"rows": 2}}),
        ("payments", {"{uuid}": {"status": "COMPLETE"}}, {"{uuid}": {"status": "PENDING"}}),
        ("payments", {"{uuid}": {"paid": None}}, {"{uuid}": {"no such field": None}}),
        ("worth_a_look", ["unclear"], ["open-conflict"]),
        ("not_worth_a_look", ["open-conflict"], ["unclear"]),
    ],
)
def test_what_is_not_as_expected_is_told(name: str, right: object, wrong: object) -> None:
    assert differences(Canned(), DELIVERED, **{name: right}) == []
    assert len(differences(Canned(), DELIVERED, **{name: wrong})) == 1


NOTHING: Final = CompletedProcess((), 1, "", "There is none.")
NO_SUCH_OPTION: Final = CompletedProcess((), 2, "", "No such option: --second-credit")
CRASHED: Final = CompletedProcess((), 1, "", "Traceback (most recent call last): …")


@pytest.mark.parametrize("name", ["balances", "entries", "events", "orders"])
@pytest.mark.parametrize(("ended", "told"), [(NOTHING, 0), (NO_SUCH_OPTION, 1), (CRASHED, 1)])
def test_nothing_to_show_is_nothing_and_a_command_that_fails_is_no_answer(
    name: str, ended: CompletedProcess[str], told: int
) -> None:
    nothing = {"balances": {}, "entries": 0, "events": [], "orders": None}[name]
    assert len(differences(Canned(ended=ended), **{name: {"{ref}": nothing}})) == told


@pytest.mark.parametrize("looked_for", [{"worth_a_look": ["unclear"]}, {"not_worth_a_look": ["unclear"]}])
def test_a_doctor_who_says_nothing_of_it_is_no_answer(looked_for: dict[str, object]) -> None:
    assert len(differences(Canned(ended=CompletedProcess((), 0, "{}", "")), DELIVERED, **looked_for)) == 1


def test_the_case_the_rule_and_the_reason_are_told_first() -> None:
    [played] = casebook.play([case(DELIVERED, answers=[401])], Canned(), SameThread())
    assert casebook.differences(played, list)[0] == "a case: So. (a rule)"


# --- Commands ----------------------------------------------------------------------------------------
REFUSED: Final = {"cli": ["events", "accept"], "exit": "refused"}


@pytest.mark.parametrize(
    ("step", "ended", "told"),
    [
        ({"cli": ["events", "accept"]}, None, 0),
        ({"cli": ["events", "accept"]}, NOTHING, 1),
        ({"replay": ["{uuid}"]}, NOTHING, 1),
        (REFUSED, None, 1),
        (REFUSED, NOTHING, 0),
        (REFUSED, NO_SUCH_OPTION, 1),
        (REFUSED, CRASHED, 1),
    ],
)
def test_a_command_has_to_end_as_the_case_says(
    step: dict[str, object], ended: CompletedProcess[str] | None, told: int
) -> None:
    assert len(differences(Canned(ended=ended), step, entries={})) == told


# --- Deliveries, and what waits for what -------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "body", "signed"),
    [
        ({"deliver": {"e": "é"}}, '{"e":"é"}', '{"e":"é"}'),
        ({"deliver_text": " [1.0] ", "sign": "node"}, " [1.0] ", "[1]"),
        ({"deliver_text": "[1.0,2]", "sign": "python"}, "[1.0,2]", "[1.0, 2]"),
        ({"deliver_text": "[1]", "length": 5}, "[1]  ", "[1]  "),
        ({"deliver_text": "[1]", "length": 5, "sign": "node"}, "[1]  ", "[1]"),
        ({"deliver_text": "[2]", "signed_text": "[1]"}, "[2]", "[1]"),
    ],
)
def test_a_delivery_is_signed_as_the_case_says(step: object, body: str, signed: str) -> None:
    stack = Canned()
    differences(stack, step)
    assert stack.happened[0] == Request(body.encode(), sign(signed.encode(), stack.secret), "application/json")


def test_cases_wait_together_and_all_is_settled_in_the_end() -> None:
    stack = Canned()
    steps = [{"cli": ["one"]}, {"wait": "settled"}, {"cli": ["two"]}]
    casebook.play([case(*steps), case({"cli": ["other"]}), case(*steps)], stack, SameThread())
    assert stack.happened == ["one", "other", "one", "settled", "two", "two", "settled"]


def test_what_stops_one_case_is_told_and_stops_no_other() -> None:
    stack = Canned()
    stopped, other = casebook.play([case({"cli": ["{nonsense}"]}), case({"cli": ["other"]})], stack, SameThread())
    assert (len(stopped.problems), other.problems, stack.happened) == (1, [], ["other", "settled"])


@pytest.mark.parametrize(
    "written",
    [
        case(DELIVERED) | {"expect": {}},
        case(DELIVERED, answer=[200]),
        case(DELIVERED, answers=[]),
        case(DELIVERED, not_worth_a_look=["no such kind"]),
        case(DELIVERED | {"lenght": 5}),
        case({"cli": ["events"], "exit": "refuse"}),
        case({"wait": "a while"}),
    ],
)
def test_a_slip_of_the_pen_does_not_make_a_case_right(written: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        casebook.parse(written)


# --- Placeholders ------------------------------------------------------------------------------------
def filled(*texts: str) -> list[str]:
    values: list[str] = Placeholders(Random(1)).fill(list(texts))  # noqa: S311  no secrets
    return values


def test_a_placeholder_stands_for_one_value_in_whatever_spelling() -> None:
    uuid, again, capitals, other = filled("{uuid}", "{uuid}", "{UUID}", "{uuid2}")
    assert (uuid == again, uuid.upper() == capitals != uuid, uuid != other) == (True, True, True)
    base, swapped = filled("{base}", "{Swapbase}")
    assert (swapped.swapcase(), swapped.lower()) == (base, base.lower())


@pytest.mark.parametrize("text", ["{nonsense}", "{Uuid}", "{answer1}"])
def test_what_stands_for_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no (placeholder|uuid)"):
        filled(text)
