"""The names in the template: each is somebody's, and none is one that another stack could want."""

from collections.abc import Iterator
from typing import Final

from tests.support.cloudformation import Template, conditions_asked, references
from tests.support.template_checks.parameters import RECONCILING

NAMES: Final = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Logs::MetricFilter": "FilterName",
    "AWS::Logs::QueryDefinition": "Name",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
}
"""By which property a resource can be given a name, which then no other in the account (and region) can have."""

WITHIN_ANOTHER: Final = {
    *("AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::Stage"),
    *("AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"),
    *("AWS::Lambda::Permission", "AWS::Lambda::Version", "AWS::Route53::RecordSet"),
    *("AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"),
}
"""Parts of other resources, and what the deployer names."""

OF_SAM: Final = {"ServerlessDeploymentApplication"}
"""What SAM adds, where it is named."""


def every_name_is_one_of_this_stack(template: Template) -> Iterator[str]:
    """A parameter's, a resource's or a condition's, or one that AWS has for everybody."""
    source = template.source
    known = source["Parameters"].keys() | source["Resources"].keys() | OF_SAM
    named = {name for name in references([source["Resources"], source["Outputs"]]) if not name.startswith("AWS::")}
    yield from (f"nothing is named {name}" for name in named - known)
    yield from (f"no condition is named {name}" for name in conditions_asked(source) - source["Conditions"].keys())


def nothing_has_a_name_that_a_second_stack_would_want(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING)
    for name, resource in stack.resources.items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind not in NAMES.keys() | WITHIN_ANOTHER:
            yield f"whether {name} ({kind}) can have a name is not known here"
        elif kind in NAMES and not str(properties.get(NAMES[kind], "stack")).startswith("stack"):
            yield f"{name} is always named {properties[NAMES[kind]]}"
