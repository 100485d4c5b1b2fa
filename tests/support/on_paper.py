"""A model whose measured figures are round, so that what it computes can be worked out by hand."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from analysis.cost import Costs
from analysis.figures import INSTRUCTIONS_A_SECOND, Figures
from analysis.service import Service
from analysis.stack import Stack

PROJECT: Final = Path(__file__).parents[2]
TEMPLATE: Final[Mapping[str, Any]] = yaml_parse((PROJECT / "template.yaml").read_text())
STACK: Final = Stack.of(TEMPLATE, PROJECT)
CONSUMER_CALLS: Final = ("dynamodb:BatchGetItem", "dynamodb:PutItem", "events:PutEvents", "dynamodb:UpdateItem")
ROUND: Final = Figures.of(
    {
        "calls": {
            "first": {"dynamodb:PutItem": 1, "sqs:SendMessage": 1},
            "duplicate": {"dynamodb:PutItem": 1},
            "forged": {},
            "cold": {"secretsmanager:GetSecretValue": 2, "dynamodb:PutItem": 1, "sqs:SendMessage": 1},
            "consumer_batch_of_1": dict.fromkeys(CONSUMER_CALLS, 1),
        },
        "write_units": {
            "ingest": {"table": 1, "indexes": 1},
            "consumer": {"event_table": 1, "indexes": 0, "ledger": 1},
        },
        "later_write_units": {"consumer": {"indexes": 0}},
        "read_units": {"consumer": 1},
        "instructions": {
            name: seconds * INSTRUCTIONS_A_SECOND
            for name, seconds in {
                "ingest_cold": 0.3,
                "ingest_first": 0.004,
                "ingest_duplicate": 0.002,
                "ingest_forged": 0.001,
                "consumer_cold": 0.3,
                "consumer_batch_of_1": 0.006,
                "consumer_batch_of_10": 0.033,
            }.items()
        },
        "log_bytes": {"ingest_first": 700, "ingest_forged": 500, "consumer_event": 300},
    }
)
ONE_CPU_MB: Final = 1769


def template(**defaults: object) -> dict[str, Any]:
    """The project's template, with other defaults of these parameters."""
    changed = deepcopy(dict(TEMPLATE))
    for name, default in defaults.items():
        changed["Parameters"][name]["Default"] = default
    return changed


def one_cpu(**changes: Any) -> Stack:  # noqa: ANN401  fields of a stack
    """The stack with a whole CPU for each function, so that CPU time is time, and with other changes."""
    whole = {name: replace(getattr(STACK, name), memory_mb=ONE_CPU_MB) for name in ("ingest", "consumer", "relay")}
    return replace(STACK, **whole, **changes)


def service(**changes: Any) -> Service:  # noqa: ANN401  as above
    return Service(one_cpu(**changes), ROUND)


def costs(**changes: Any) -> Costs:  # noqa: ANN401  as above
    return Costs(one_cpu(**changes), ROUND)


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311  a simulation's
