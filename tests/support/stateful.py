"""What would be lost if it were replaced: the resources that hold something, and what makes each the one that it is.

CloudFormation replaces a resource where a property changes that it can only give to a new one. The old one is retained,
with all that is in it, but the listener goes on with an empty one.

`python -m tests.support.stateful` writes `GOLDEN` anew: what the stacks of merchants have. Do that once they have it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.support.cloudformation import Template, Tree
from wickiepay_cli.project import PROJECT

GOLDEN: Final = PROJECT / "tests/golden/stateful.json"

CREATE_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "AWS::ApiGatewayV2::Api": frozenset({"ProtocolType"}),
    "AWS::DynamoDB::Table": frozenset({"ImportSourceSpecification", "KeySchema", "TableName"}),
    "AWS::Events::EventBus": frozenset({"Name"}),
    "AWS::Logs::LogGroup": frozenset({"LogGroupName"}),
    "AWS::SNS::Topic": frozenset({"FifoTopic", "TopicName"}),
    "AWS::SQS::Queue": frozenset({"FifoQueue", "QueueName"}),
    "AWS::SecretsManager::Secret": frozenset({"Name"}),
}
"""The types of resources that hold something, if only an address or subscribers that others know, and the properties
that replace them when they change: `createOnlyProperties` and `conditionalCreateOnlyProperties` of their schemas."""

INDEXES: Final = "GlobalSecondaryIndexes"
OF_AN_INDEX: Final = ("KeySchema", "Projection")
"""What of an index only a new one can have."""

INDEXES_AT_ONCE: Final = 1
"""How many indexes of a table may come or go in one update: DynamoDB does no more."""


def stateful(resources: Mapping[str, Tree]) -> dict[str, Tree]:
    """Logical id → what makes a resource the one that it is, of all that hold something."""
    return {name: _identity(resource) for name, resource in resources.items() if resource["Type"] in CREATE_ONLY}


def _identity(resource: Tree) -> Tree:
    properties = resource.get("Properties", {})
    create_only = CREATE_ONLY[resource["Type"]] & properties.keys()
    identity: Tree = {"Type": resource["Type"], **{name: properties[name] for name in create_only}}
    if resource["Type"] == "AWS::DynamoDB::Table":
        types = {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]}
        identity["KeyTypes"] = _types(properties, types)
        identity["LocalSecondaryIndexes"] = properties.get("LocalSecondaryIndexes")
        identity[INDEXES] = {
            index["IndexName"]: {**{part: index[part] for part in OF_AN_INDEX}, "KeyTypes": _types(index, types)}
            for index in properties.get(INDEXES, [])
        }
    return identity


def _types(keyed: Tree, types: Mapping[str, str]) -> list[str]:
    """The types of the keys of a table or an index."""
    return [types[key["AttributeName"]] for key in keyed["KeySchema"]]


def losses(before: Mapping[str, Tree], after: Mapping[str, Tree]) -> Iterator[str]:
    """What would be lost, or refused by AWS, if stateful resources were changed from what they are `before`."""
    for name, old in before.items():
        if name not in after:
            yield f"{name} would leave the stack"
            continue
        new = after[name]
        for part in sorted(old.keys() | new.keys()):
            if part != INDEXES and new.get(part) != old.get(part):
                yield f"{name} would be replaced: {part} is {_shown(new.get(part))}, and was {_shown(old.get(part))}"
        was, now = old.get(INDEXES, {}), new.get(INDEXES, {})
        changed = [index for index in was.keys() & now.keys() if was[index] != now[index]]
        moves = [*(was.keys() ^ now.keys()), *changed, *changed]  # one that changes goes, and comes again
        if len(moves) > INDEXES_AT_ONCE:
            yield f"{name} would not be updated: in one update one index may come or go, and here {sorted(moves)} do"


def _shown(value: Any) -> str:  # noqa: ANN401  a part of a template
    return json.dumps(value, sort_keys=True)


if __name__ == "__main__":
    template = yaml_parse((PROJECT / "template.yaml").read_text())
    GOLDEN.write_text(json.dumps(stateful(Template(template).stack().resources), indent=2, sort_keys=True) + "\n")
