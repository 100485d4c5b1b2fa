"""How a new version comes to have deliveries: tried first, then a part of them, and taken back if it fails."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.support.cloudformation import Stack, Template
from tests.support.template_checks.versions import PUBLISHED

CONFIGURATIONS: Final = {
    "CodeDeployDefault.LambdaAllAtOnce",
    *(f"CodeDeployDefault.LambdaCanary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
    "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
    *(f"CodeDeployDefault.LambdaLinear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10)),
}
"""The deployment preferences that CodeDeploy provides."""

REFUSED: Final = {"DeploymentFailure", "DeploymentStop", "DeploymentRollback"}

OWN: Final = {"Errors", "Duration"}
"""Figures that are the new version's own doing, whoever delivers what."""


def every_rollout_is_one_of_codedeploys(template: Template) -> Iterator[str]:
    offered = template.source["Parameters"]["Rollout"]["AllowedValues"]
    for rollout in offered:
        for name, group in _groups(template.stack(Rollout=rollout)).items():
            if group["DeploymentConfigName"] not in CONFIGURATIONS:
                yield f"{name} is shifted by {group['DeploymentConfigName']}"
    if len(offered) != len(CONFIGURATIONS):
        yield f"{len(offered)} are offered, of {len(CONFIGURATIONS)}"


def a_new_version_is_tried_before_it_has_deliveries(template: Template) -> Iterator[str]:
    stack = template.stack()
    for function in PUBLISHED:
        alias = stack.resources.get(f"{function}Aliaslive", {})
        update = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
        if update.get("BeforeAllowTrafficHook") != "PreTrafficFunction":
            yield f"{function} is tried by {update.get('BeforeAllowTrafficHook')}"
        if update.get("DeploymentGroupName") not in _groups(stack):
            yield f"{function} is shifted by no deployment group"


def the_hook_tries_the_versions_that_are_published(template: Template) -> Iterator[str]:
    stack = template.stack()
    variables = stack.of_type("AWS::Lambda::Function")["PreTrafficFunction"]["Environment"]["Variables"]
    tried = {variables[f"{name}_VERSION"] for name in ("INGEST", "CONSUMER", "RELAY")}
    yield from (
        f"{name} is tried or published, not both" for name in tried ^ stack.of_type("AWS::Lambda::Version").keys()
    )


def a_version_that_fails_is_taken_back(template: Template) -> Iterator[str]:
    stack = template.stack()
    for function in PUBLISHED:
        group = _groups(stack).get(f"{function}DeploymentGroup", {})
        watched = {alarm["MetricName"] for alarm in _rollback_alarms(stack, group).values()}
        yield from (f"{function} is not taken back for its {name}" for name in OWN - watched)
        back = group.get("AutoRollbackConfiguration", {})
        if not back.get("Enabled") or not {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} <= set(back["Events"]):
            yield f"{function} is not taken back"


def a_version_is_taken_back_for_its_own_doing_alone(template: Template) -> Iterator[str]:
    """Forged deliveries, or a backlog, must not be able to hold back a fix."""
    stack = template.stack()
    for function in PUBLISHED:
        [version] = [name for name in stack.of_type("AWS::Lambda::Version") if name.startswith(function)] or [""]
        own = {"FunctionName": function, "Resource": f"{function}:live", "ExecutedVersion": f"{version}.Version"}
        for name, alarm in _rollback_alarms(stack, _groups(stack).get(f"{function}DeploymentGroup", {})).items():
            if (alarm["Namespace"], alarm["MetricName"] in OWN) != ("AWS/Lambda", True):
                yield f"{function} is taken back for {alarm['MetricName']}"
            if {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])} != own:
                yield f"{name} is about {alarm.get('Dimensions')}"
            if alarm["MetricName"] == "Duration" and alarm["Threshold"] >= 1000 * _timeout(stack, function):
                yield f"{name} waits for longer than {function} may take"


def that_a_version_is_refused_is_told(template: Template) -> Iterator[str]:
    for name, group in _groups(template.stack()).items():
        told = {
            event
            for trigger in group.get("TriggerConfigurations", [])
            if trigger["TriggerTargetArn"] == "AlarmTopic"
            for event in trigger["TriggerEvents"]
        }
        yield from (f"{name} keeps {event} to itself" for event in REFUSED - told)


def traffic_is_shifted_under_a_role_of_this_stack(template: Template) -> Iterator[str]:
    """The one that SAM would make may shift the traffic of every function in the account."""
    for name, group in _groups(template.stack()).items():
        if group["ServiceRoleArn"] != "DeploymentRole.Arn":
            yield f"{name} is shifted under {group['ServiceRoleArn']}"


def _groups(stack: Stack) -> dict[str, Any]:
    return stack.of_type("AWS::CodeDeploy::DeploymentGroup")


def _rollback_alarms(stack: Stack, group: Mapping[str, Any]) -> dict[str, Any]:
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    return {a["Name"]: alarms[a["Name"]] for a in group.get("AlarmConfiguration", {}).get("Alarms", [])}


def _timeout(stack: Stack, function: str) -> int:
    return int(stack.of_type("AWS::Lambda::Function")[function]["Timeout"])
