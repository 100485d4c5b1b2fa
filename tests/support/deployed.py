"""The functions, imported as Lambda imports them: under the environment that template.yaml gives to each.

Each resource is named by its logical id, a version by IngestFunction.Version. Import this module before any of them.
"""

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from wickiepay.routing import Settings

TEMPLATE: Final = yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text())
FUNCTIONS: Final = {
    "ingest": "IngestFunction",
    "consumer": "ConsumerFunction",
    "relay": "RelayFunction",
    "reconciler": "ReconcilerFunction",
    "pre_traffic": "PreTrafficFunction",
}
"""Module → function."""


def environment_of(function: str) -> dict[str, str]:
    """The environment variables that the template gives to a function."""
    variables = TEMPLATE["Resources"][function]["Properties"]["Environment"]["Variables"]
    return {name: _filled_in(value) for name, value in variables.items()}


def _filled_in(value: Any) -> str:  # noqa: ANN401  whatever a template may hold
    match value:
        case {"Ref": name} if name in TEMPLATE["Parameters"]:
            return str(TEMPLATE["Parameters"][name]["Default"])
        case {"Ref": name} if TEMPLATE["Resources"].get(name, {}).get("Type") == "AWS::SQS::Queue":
            return f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"
        case {"Ref": name}:
            return str(name)
        case {"Fn::If": [_, then, _]}:
            return _filled_in(then)
        case {"Fn::Sub": text}:
            return str(text).replace("${AWS::StackName}", "test")
    return str(value)


SETTINGS: Final = Settings(account_field=environment_of("ConsumerFunction")["ACCOUNT_FIELD"])
"""The handlers' settings by the template's defaults."""


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


for _module, _function in FUNCTIONS.items():
    with _environment(environment_of(_function)):
        importlib.import_module(_module)
