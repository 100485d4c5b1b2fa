"""A template as written, as CloudFormation gets it from SAM, and as the resulting stack."""

import copy
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any, Final

from samtranslator.translator import translator

from wickiepay_cli.local import deploy
from wickiepay_cli.local.deploy import PACKAGED, transform

# For each translation SAM would check the policy templates that it brings with it, and have a new session: two fifths.
translator.make_policy_template_for_function_plugin = cache(translator.make_policy_template_for_function_plugin)
deploy.unconfigured = cache(deploy.unconfigured)  # type: ignore[attr-defined]  # imported there

type Tree = dict[str, Any]

PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
ABSENT: Final = object()
"""Stands for `!Ref AWS::NoValue`: a property with this value is left out."""

IN_TEXT: Final = re.compile(r"\$\{(!?)([^}]+)\}")


class Template:
    """`source` is a template as template.yaml holds it; it must not change any more."""

    def __init__(self, source: Tree) -> None:
        self.source = source
        self._stacks: dict[frozenset[tuple[str, str]], Stack] = {}

    def stack(self, **values: str) -> "Stack":
        """The stack that is made where these parameters have these values, and the others their defaults."""
        given = frozenset(values.items())
        if given not in self._stacks:
            self._stacks[given] = Stack(translate(self.source, values), values)
        return self._stacks[given]


class Stack:
    """What CloudFormation makes of a template in SAM's translation.

    Everything is worked out: a reference to a resource is its logical id (`EventTable`), one to an attribute is both
    (`EventTable.Arn`), and what a condition leaves out is not there.
    """

    def __init__(self, template: Tree, values: Mapping[str, str]) -> None:
        self.template = template
        defaults = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}
        self.values: Final[Mapping[str, str]] = {**PSEUDO_PARAMETERS, **defaults, **values}

    @cached_property
    def resources(self) -> dict[str, Tree]:
        return self._present("Resources")

    @cached_property
    def outputs(self) -> dict[str, Tree]:
        return self._present("Outputs")

    def of_type(self, kind: str) -> dict[str, Tree]:
        """The properties of all resources of a type, by logical id."""
        return {n: r.get("Properties", {}) for n, r in self.resources.items() if r["Type"] == kind}

    def type_of(self, logical_id: str) -> str | None:
        return self.resources[logical_id]["Type"] if logical_id in self.resources else None

    def refused(self) -> list[str]:
        """What CloudFormation says against these values: the rules that they break."""
        return [
            assertion["AssertDescription"]
            for rule in self.template.get("Rules", {}).values()
            if "RuleCondition" not in rule or self.work_out(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.work_out(assertion["Assert"])
        ]

    def work_out(self, node: Any) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912  each of CloudFormation's functions once
        """The value of anything in a template."""
        match node:
            case {"Ref": "AWS::NoValue"}:
                return ABSENT
            case {"Ref": name}:
                return self._named(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._named(f"{name}.{attribute}")
            case {"Fn::Sub": [text, inner]}:
                return self._filled_in(text, {name: self.work_out(value) for name, value in inner.items()})
            case {"Fn::Sub": text}:
                return self._filled_in(text, {})
            case {"Fn::If": [condition, then, otherwise]}:
                return self.work_out(then if self._holds(condition) else otherwise)
            case {"Fn::Equals": [one, other]}:
                return self.work_out(one) == self.work_out(other)
            case {"Fn::Not": [claim]}:
                return not self.work_out(claim)
            case {"Fn::And": claims}:
                return all(self.work_out(claim) for claim in claims)
            case {"Fn::Or": claims}:
                return any(self.work_out(claim) for claim in claims)
            case {"Condition": str(condition)} if len(node) == 1:
                return self._holds(condition)
            case dict():
                assert not any(str(name).startswith("Fn::") for name in node), f"a function unknown here: {node}"
                made = {name: self.work_out(value) for name, value in node.items()}
                return {name: value for name, value in made.items() if value is not ABSENT}
            case list():
                return [value for value in map(self.work_out, node) if value is not ABSENT]
        return node

    def _holds(self, condition: str) -> bool:
        return bool(self.work_out(self.template["Conditions"][condition]))

    def _named(self, name: str) -> str:
        return self.values.get(name, name)

    def _filled_in(self, text: str, inner: Mapping[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            literal, name = match.groups()
            return f"${{{name}}}" if literal else inner[name] if name in inner else self._named(name)

        return IN_TEXT.sub(value, text)

    def _present(self, section: str) -> dict[str, Tree]:
        return {
            name: self.work_out({key: value for key, value in part.items() if key not in {"Condition", "Metadata"}})
            for name, part in self.template[section].items()
            if "Condition" not in part or self._holds(part["Condition"])
        }


def translate(source: Tree, values: Mapping[str, str]) -> Tree:
    """SAM's translation of a template. Code that lies in a folder is taken to be in a bucket, under its own name."""
    template = copy.deepcopy(source)
    for name, resource in template["Resources"].items():
        if resource["Type"] in PACKAGED:
            folder, _ = PACKAGED[resource["Type"]]
            if not resource["Properties"][folder].startswith("s3://"):
                resource["Properties"][folder] = f"s3://packages/{name}"
    return transform(template, values)


def allows(parameter: Tree, value: str) -> bool:
    """Whether CloudFormation takes a value for a parameter."""
    return (
        bool(re.fullmatch(parameter.get("AllowedPattern", r"(?s).*"), value))
        and value in map(str, parameter.get("AllowedValues", [value]))
        and len(value) <= parameter.get("MaxLength", len(value))
        and (parameter["Type"] != "Number" or value.isdecimal())
        and ("MinValue" not in parameter or int(value) >= parameter["MinValue"])
        and ("MaxValue" not in parameter or int(value) <= parameter["MaxValue"])
    )


def nodes(tree: object) -> Iterator[Any]:
    """`tree` and everything below it."""
    yield tree
    if isinstance(tree, dict | list):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from nodes(child)


def references(tree: object) -> set[str]:
    """The names of parameters and resources that stand in a part of a template, also behind its `Fn::If`s."""
    found = set()
    for node in nodes(tree):
        match node:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                found.add(name.partition(".")[0])
            case {"Fn::Sub": [str(text), dict(own)]}:
                found |= _named_in(text) - own.keys()
            case {"Fn::Sub": str(text)}:
                found |= _named_in(text)
    return found


def _named_in(text: str) -> set[str]:
    return {name.partition(".")[0] for literal, name in IN_TEXT.findall(text) if not literal}


def conditions(tree: object) -> set[str]:
    """The names of the conditions that a part of a template asks."""
    return {node["Fn::If"][0] for node in nodes(tree) if isinstance(node, dict) and "Fn::If" in node}


def conditions_asked(source: Tree) -> set[str]:
    """The names of the conditions that a template's resources and outputs ask, or hang on as a whole."""
    parts = [*source["Resources"].values(), *source["Outputs"].values()]
    return conditions(parts) | {part["Condition"] for part in parts if "Condition" in part}
