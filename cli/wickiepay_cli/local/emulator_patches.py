"""The only place that adapts the template, as SAM transforms it, to the emulator. A test pins all changes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

Template = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patch:
    """One thing that was dropped or rewritten, and the reason."""

    resource: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"prepared: {self.resource}: {self.what} ({self.why})"


def patch_template(template: Template, webhook_url: str | None = None) -> list[Patch]:
    """Adapts `template` in place to an emulator. Returns the changes in order.

    The listener's template has a proxy at `webhook_url`.
    """
    rules: tuple[Callable[[Template], Iterator[Patch]], ...] = (
        _deploy_without_codedeploy,
        _keep_versions,
        _drop_saved_queries,
        _describe_api_by_routes,
        _refer_to_secrets_by_arn,
        _let_queues_be_reached_without_tls,
        _give_numbers_as_numbers,
        _allow_batches_by_their_own_name,
        _drop_conditions,
        *([] if webhook_url is None else [partial(_point_output_at_front_door, webhook_url)]),
    )
    return [patch for rule in rules for patch in rule(template)]


def _deploy_without_codedeploy(template: Template) -> Iterator[Patch]:
    why = "the emulator has no CodeDeploy: an alias moves to a new version at once"
    for name, alias in _of_type(template, "AWS::Lambda::Alias"):
        if alias.pop("UpdatePolicy", None):
            yield Patch(name, "UpdatePolicy dropped", why)
    for name, resource in list(template["Resources"].items()):
        if resource["Type"].startswith("AWS::CodeDeploy::"):
            del template["Resources"][name]
            yield Patch(name, "dropped", why)
    action = "codedeploy:PutLifecycleEventHookExecutionStatus"
    for name, policy in _policies(template):
        statements = [s for s in _listed(policy["Statement"]) if s.get("Action") == action]
        for statement in statements:
            policy["Statement"].remove(statement)
            yield Patch(name, f"{action} dropped", why)


def _keep_versions(template: Template) -> Iterator[Patch]:
    for name, version in _of_type(template, "AWS::Lambda::Version"):
        version["DeletionPolicy"] = "Retain"
        yield Patch(name, "kept where another follows", "the emulator would forget it, and never end its process")


def _drop_saved_queries(template: Template) -> Iterator[Patch]:
    for name, _ in _of_type(template, "AWS::Logs::QueryDefinition"):
        del template["Resources"][name]
        yield Patch(name, "dropped", "the emulator knows no saved queries")


def _describe_api_by_routes(template: Template) -> Iterator[Patch]:
    for name, api in _of_type(template, "AWS::ApiGatewayV2::Api"):
        paths = api["Properties"].pop("Body", {"paths": {}})["paths"]
        api["Properties"] |= {"Name": name, "ProtocolType": "HTTP"}
        operations = [
            (method, route, paths[path][method])
            for path in paths
            for route in dict.fromkeys([path, _without_greed(path)])
            for method in paths[path]
        ]
        for number, (method, path, operation) in enumerate(operations, 1):
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            integration = operation["x-amazon-apigateway-integration"]
            template["Resources"] |= {
                f"{name}Integration{number}": {
                    "Type": "AWS::ApiGatewayV2::Integration",
                    "Properties": {
                        "ApiId": {"Ref": name},
                        "IntegrationType": integration["type"].upper(),
                        "IntegrationUri": integration["uri"],
                        "PayloadFormatVersion": integration["payloadFormatVersion"],
                    },
                },
                f"{name}Route{number}": {
                    "Type": "AWS::ApiGatewayV2::Route",
                    "Properties": {
                        "ApiId": {"Ref": name},
                        "RouteKey": f"{verb} {path}",
                        "Target": {"Fn::Sub": f"integrations/${{{name}Integration{number}}}"},
                    },
                },
            }
            yield Patch(name, f"{verb} {path} as a route of its own", "the emulator reads no OpenAPI body")


def _without_greed(path: str) -> str:
    """A path without its last, greedy part, which in the emulator does not match an empty rest."""
    return path.rpartition("/")[0] + "/" if path.endswith("+}") else path


def _refer_to_secrets_by_arn(template: Template) -> Iterator[Patch]:
    for name, _ in _of_type(template, "AWS::SecretsManager::Secret"):
        for reference in list(_references(template, name)):
            reference.clear()
            reference["Fn::GetAtt"] = [name, "Id"]
        yield Patch(name, "!Ref as !GetAtt Id", "in the emulator a secret's Ref is its name, on AWS its ARN")


def _let_queues_be_reached_without_tls(template: Template) -> Iterator[Patch]:
    for name, policy in _of_type(template, "AWS::SQS::QueuePolicy"):
        why = "the emulator speaks plain HTTP, on this machine only"
        document = policy["Properties"]["PolicyDocument"]
        statements = _listed(document["Statement"])
        others = [each for each in statements if "aws:SecureTransport" not in str(each)]
        if not others:
            del template["Resources"][name]
            yield Patch(name, "dropped", why)
        elif len(others) < len(statements):
            document["Statement"] = others
            yield Patch(name, "TLS not required", why)


def _give_numbers_as_numbers(template: Template) -> Iterator[Patch]:
    for name, mapping in _of_type(template, "AWS::Lambda::EventSourceMapping"):
        source = mapping["Properties"]
        for properties, number in (
            (source, "MaximumBatchingWindowInSeconds"),
            (source.get("ScalingConfig", {}), "MaximumConcurrency"),
        ):
            if isinstance(said := properties.get(number), dict):  # other templates may have a number, or none
                properties[number] = int(template["Parameters"][said["Ref"]]["Default"])
                yield Patch(name, f"{number} as a number", "the emulator takes its parameter as text")


def _allow_batches_by_their_own_name(template: Template) -> Iterator[Patch]:
    for name, policy in _policies(template):
        for statement in _statements(policy):
            if statement.get("Action") == "sqs:SendMessage":
                statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
                why = "in the emulator an action, on AWS sqs:SendMessage"
                yield Patch(name, "sqs:SendMessageBatch allowed", why)


UNSEEN: Final = {
    "dynamodb:BatchGetItem": "the emulator does not see what a batch asks for",
    "ses:SendEmail": "the emulator does not see who sends",
}
"""Actions whose conditions the emulator cannot judge, and why."""


def _drop_conditions(template: Template) -> Iterator[Patch]:
    for name, policy in _policies(template):
        for statement in _statements(policy):
            action = statement.get("Action")
            if isinstance(action, str) and action in UNSEEN and statement.pop("Condition", None):
                yield Patch(name, f"condition on {action} dropped", UNSEEN[action])


def _point_output_at_front_door(webhook_url: str, template: Template) -> Iterator[Patch]:
    template["Outputs"]["WebhookUrl"]["Value"] = webhook_url
    yield Patch("WebhookUrl", "the proxy's address", "the API's own address does not resolve")


def _of_type(template: Template, kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, resource) for name, resource in template["Resources"].items() if resource["Type"] == kind]


def _policies(template: Template) -> list[tuple[str, dict[str, Any]]]:
    """The permissions of each role, by the role's name."""
    return [
        (name, policy["PolicyDocument"])
        for name, role in _of_type(template, "AWS::IAM::Role")
        for policy in role["Properties"].get("Policies", [])
    ]


def _statements(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy, with those that depend on a condition."""
    return [one for each in _listed(policy["Statement"]) for one in each.get("Fn::If", [None, each])[1:]]


def _listed(statements: Any) -> list[dict[str, Any]]:  # noqa: ANN401  one, or several
    return statements if isinstance(statements, list) else [statements]


def _references(node: object, name: str) -> Iterator[dict[str, Any]]:
    """Every `{"Ref": name}` below `node`."""
    if node == {"Ref": name}:
        assert isinstance(node, dict)
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _references(child, name)
