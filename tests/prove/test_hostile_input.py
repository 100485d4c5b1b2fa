"""Promise 5 under two hundred thousand attacks; and that no body costs more than its size."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from tests.support import respelled
from tests.support.attack_harness import SECRET, AttackHarness
from tests.support.attacks import attack, seeded
from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.errors import SignatureMismatch, UnusableBody
from wickiepay.event import parse
from wickiepay.signature import verify

pytestmark = [pytest.mark.slow_proof, pytest.mark.timeout(1200)]

INPUTS: Final = 200_000
FUZZERS: Final = 2
"""Programs that share the work, each from a seed of its own."""
SPELLINGS: Final = 40_000
LARGEST_INPUT: Final = 2000
"""Bytes: so many decisions an attack takes at the most."""
CAN_GUIDE: Final = find_spec("atheris") is not None

type Figure = Callable[[str, object], None]


@pytest.mark.skipif(not CAN_GUIDE, reason="atheris, which guides by coverage, is there for Linux on x86-64 alone")
def test_two_hundred_thousand_guided_attacks_achieve_nothing(tmp_path: Path, record_property: Figure) -> None:
    fuzzers = [start_fuzzer(tmp_path / str(seed), seed) for seed in range(1, FUZZERS + 1)]
    outcomes: Counter[str] = Counter()
    inputs = 0
    try:
        for fuzzer in fuzzers:
            printed, errors = fuzzer.communicate()
            assert fuzzer.returncode == 0, printed[-2000:] + errors[-5000:]
            inputs += INPUTS // FUZZERS
            outcomes += Counter(json.loads(printed.splitlines()[-1]))
    finally:
        for fuzzer in fuzzers:
            fuzzer.kill()
    record_property("figure", f"{inputs:,} coverage-guided inputs: {told(outcomes)}; 0 achieved anything")


def start_fuzzer(folder: Path, seed: int) -> "subprocess.Popen[str]":
    """Starts one on its share of the inputs; a hundred of them are chance, the others what it makes of those."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    chance = seeded(seed)
    for number in range(100):
        (corpus / str(number)).write_bytes(chance.randbytes(LARGEST_INPUT))
    return subprocess.Popen(
        [
            *(sys.executable, Path(__file__).with_name("fuzz.py")),
            *(f"-runs={INPUTS // FUZZERS}", f"-seed={seed}", f"-max_len={LARGEST_INPUT}", "-len_control=0"),
            *(f"-artifact_prefix={folder}/", corpus),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(CAN_GUIDE, reason="guided attacks reach further")
def test_two_hundred_thousand_random_attacks_achieve_nothing(record_property: Figure) -> None:
    harness = AttackHarness()
    for seed in range(INPUTS):
        chance = seeded(seed)
        if seed % 50:
            harness.take(attack(chance, SECRET))
        else:
            harness.take_messages(chance)
    harness.consume()
    harness.close()
    record_property("figure", f"{harness.inputs:,} random inputs: {told(harness.outcomes)}; 0 achieved anything")


def told(outcomes: Counter[str]) -> str:
    """How many of each kind, in a few words."""
    kinds: Counter[str] = Counter()
    for outcome, count in outcomes.items():
        kinds[outcome.partition(",")[0]] += count
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())


# --- What a body costs ---------------------------------------------------------------------------


def repeated(unit: str, before: str = "", after: str = "") -> Callable[[int], bytes]:
    return lambda size: (before + unit * ((size - len(before) - len(after)) // len(unit)) + after).encode()


def members(spelling: str) -> Callable[[int], bytes]:
    return lambda size: (
        f'{{"event":"e","data":{{{",".join(spelling % n for n in range(size // 16, 0, -1))}}}}}'
    ).encode()


def encoded(shape: Callable[[int], bytes], encoding: str) -> Callable[[int], bytes]:
    return lambda size: shape(size).decode().encode(encoding)[:size]


IN_DATA: Final = ('{"event":"e","data":{"a":[', "1]}}")
IN_TEXT: Final = ('{"event":"e","data":{"a":"', '"}}')
SHAPES: Final[Sequence[tuple[str, Callable[[int], bytes]]]] = [
    ("brackets that open", repeated("[")),
    ("brackets that open and close", repeated("[]")),
    ("empty lists", repeated("[],", *IN_DATA)),
    ("empty objects", repeated("{},", *IN_DATA)),
    ("objects in objects", repeated('{"a":')),
    ("as deep as is read, again and again", repeated("[" * 120 + "]" * 120 + ",", *IN_DATA)),
    ("brackets in a string", repeated("[", *IN_TEXT)),
    ("quotes and brackets in a string", repeated('\\"[', *IN_TEXT)),
    ("a string that never ends", repeated("\\\\", '"')),
    ("backslashes", repeated("\\")),
    ("quotes", repeated('"')),
    ("escapes", repeated("\\u0000", *IN_TEXT)),
    ("lone surrogates", repeated("\\ud800", *IN_TEXT)),
    ("one integer", repeated("9", '{"a":', "}")),
    ("one fraction", repeated("9", '{"a":0.', "}")),
    ("one exponent", repeated("9", '{"a":1e', "}")),
    ("the largest integers", repeated("9" * 4300 + ",", *IN_DATA)),
    ("the largest amounts", repeated("9" * 400 + ",", *IN_DATA)),
    ("amounts that are written out long", repeated("1e400,", *IN_DATA)),
    ("the smallest amounts", repeated("1e-400,", *IN_DATA)),
    ("doubles that are hard to read", repeated("2.2250738585072011e-308,", *IN_DATA)),
    ("doubles that are hard to write", repeated("5e-324,", *IN_DATA)),
    ("no numbers", repeated("NaN,", *IN_DATA)),
    ("one member again and again", repeated('"a":1,', '{"event":"e","data":{', '"a":1}}')),
    ("members", members('"k%d":1')),
    ("members that JavaScript sorts", members('"%d":1')),
    ("blanks", repeated(" ", '{"a":', "1}")),
    ("commas", repeated(",", "[")),
    ("no UTF-8", lambda size: b'{"a":"' + b"\xff" * size),
    ("zeros", bytes),
    ("UTF-16", encoded(repeated("[],", "["), "utf-16")),
    ("UTF-32", encoded(repeated("["), "utf-32")),
]
GROWTH: Final = 8
TOLERATED: Final = 3
"""Times the growth: a cost that grew with the square of the size would be eight times it."""


def work_on(body: bytes) -> None:
    """All that is done with a body: it is read in each scheme, under two secrets, and then as an event."""
    with suppress(SignatureMismatch):
        verify(body, bytes(32), (b"the current secret", b"the previous one"))
    with suppress(UnusableBody):
        parse(body)


def seconds(body: bytes) -> float:
    """The processor's time, the least of five."""

    def once() -> float:
        begin = time.process_time()
        work_on(body)
        return time.process_time() - begin

    return min(once() for _ in range(5))


def test_no_body_costs_more_than_its_size(record_property: Figure) -> None:
    costs = {name: (seconds(shape(MAX_BODY_BYTES)), seconds(shape(MAX_BODY_BYTES // GROWTH))) for name, shape in SHAPES}
    ratios = {name: large / small for name, (large, small) in costs.items()}
    assert {name: ratio for name, ratio in ratios.items() if ratio > GROWTH * TOLERATED} == {}
    worst, (slowest, _) = max(costs.items(), key=lambda cost: cost[1])
    record_property(
        "figure",
        f"{len(SHAPES)} shapes: {GROWTH} times the size costs at most {max(ratios.values()):.1f} times as much;"
        f" 256 KiB cost at most {slowest * 1000:.0f} ms ({worst})",
    )


def test_forty_thousand_spellings_of_captured_bodies_are_the_events_that_were_signed(record_property: Figure) -> None:
    tried, wrong = respelled.attack(SPELLINGS, seeded(1))
    assert wrong == []
    record_property("figure", f"{SPELLINGS:,} of {tried:,} spellings had a signature that fits; none was another event")
