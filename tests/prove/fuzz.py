"""Attacks on ingest and the consumer, guided by the lines of code that they reach. Takes libFuzzer's arguments.

After each thousand it prints what became of all of them, as JSON in a line. An attack that achieves something ends it
with an error.
"""

import json
import sys

import atheris

with atheris.instrument_imports(include=["wickiepay", "http_request", "ingest", "consumer", "handlers"]):
    from tests.support import deployed  # noqa: F401  imports the functions under their environment

from tests.support.attack_harness import SECRET, AttackHarness
from tests.support.attacks import Bytes, attack

harness = AttackHarness()


def strike(data: bytes) -> None:
    chance = Bytes(data)
    if harness.inputs % 50:
        harness.take(attack(chance, SECRET, insiders=0.3))
    else:  # not for the data to decide: a batch reaches much of the code, and the fuzzer would make little else
        harness.take_messages(chance)
    if harness.inputs % 1000 == 0:
        print(json.dumps(harness.outcomes), flush=True)


atheris.Setup(sys.argv, strike)
atheris.Fuzz()
