"""The functions: what each is told, where it writes, and who hears of it when it fails."""

import ast
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.support.cloudformation import Template
from tests.support.deployed import FUNCTIONS
from tests.support.template_checks.parameters import RECONCILING
from wickiepay_cli.project import PROJECT

READ_BY: Final = {
    "Logger": {"POWERTOOLS_SERVICE_NAME"},
    "Metrics": {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"},
}
"""The environment variables that Powertools' classes read."""

SET_BY_LAMBDA: Final = {"AWS_LAMBDA_INITIALIZATION_TYPE"}

LONGEST_WAIT_SECONDS: Final = 21600
"""How long Lambda keeps a call that it has no room for, unless it is told."""


def these_are_all_the_functions(template: Template) -> Iterator[str]:
    found = template.stack(**RECONCILING).of_type("AWS::Lambda::Function")
    yield from (f"{name} is unknown, or missing" for name in found.keys() ^ set(FUNCTIONS.values()))


def the_environment_is_what_the_code_reads(template: Template) -> Iterator[str]:
    functions = template.stack(**RECONCILING).of_type("AWS::Lambda::Function")
    for module, name in FUNCTIONS.items():
        set_ = set(functions[name]["Environment"]["Variables"])
        read = set().union(*map(_variables, (PROJECT / "functions" / module).rglob("*.py")))
        yield from (f"{name} is not told {variable}" for variable in read - set_ - SET_BY_LAMBDA)
        yield from (f"{name} does not read {variable}" for variable in set_ - read)


def _variables(path: Path) -> Iterator[str]:
    """The environment variables that a module reads: from `os.environ`, or from what it is passed as `environment`."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Subscript(value=mapping, slice=ast.Constant(str(name))) if _is_environment(mapping):
                yield name
            case ast.Call(func=ast.Attribute(value=mapping, attr="get"), args=[ast.Constant(str(name)), *_]) if (
                _is_environment(mapping)
            ):
                yield name
            case ast.Call(func=ast.Name(made), args=[]) if made in READ_BY:
                yield from READ_BY[made]


def _is_environment(node: ast.expr) -> bool:
    return ast.unparse(node) in {"os.environ", "environment"}


def each_function_writes_to_a_log_group_of_its_own(template: Template) -> Iterator[str]:
    functions = template.stack(**RECONCILING).of_type("AWS::Lambda::Function")
    groups = [function.get("LoggingConfig", {}).get("LogGroup") for function in functions.values()]
    for name, function in functions.items():
        logging = function.get("LoggingConfig", {})
        if template.stack(**RECONCILING).type_of(str(logging.get("LogGroup"))) != "AWS::Logs::LogGroup":
            yield f"{name} writes to a log group that lasts for ever"
        elif groups.count(logging["LogGroup"]) > 1:
            yield f"{name} shares {logging['LogGroup']}"
        if (logging.get("LogFormat"), logging.get("SystemLogLevel")) != ("JSON", "INFO"):
            yield f"{name} writes no reports that a query can read"


def logs_are_kept_as_long_as_the_parameter_says(template: Template) -> Iterator[str]:
    for name, group in template.stack(**RECONCILING, LogRetentionDays="14").of_type("AWS::Logs::LogGroup").items():
        if group.get("RetentionInDays") != "14":
            yield f"{name} is kept for {group.get('RetentionInDays', 'ever')}"


def somebody_is_told_when_a_function_fails(template: Template) -> Iterator[str]:
    stack = template.stack(**RECONCILING)
    watched = [
        alarm["Dimensions"]
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors") and alarm.get("AlarmActions")
    ]
    for name in stack.of_type("AWS::Lambda::Function"):
        if [{"Name": "FunctionName", "Value": name}] not in watched:
            yield f"nobody is told that {name} fails"


def runs_of_the_reconciler_never_meet(template: Template) -> Iterator[str]:
    """Of two at once, one ends in an error: its period is left to the next."""
    stack = template.stack(**RECONCILING)
    schedules = [
        schedule["ScheduleExpression"]
        for name, schedule in stack.of_type("AWS::Scheduler::Schedule").items()
        if name.startswith("ReconcilerFunction")
    ]
    minutes = sorted(int(each.removeprefix("cron(").split()[0]) for each in schedules if each.startswith("cron("))
    if len(minutes) < len(schedules):
        yield f"nobody knows at which minute a run begins: {schedules}"
    calls = stack.of_type("AWS::Lambda::EventInvokeConfig").get("ReconcilerFunctionEventInvokeConfig", {})
    if calls.get("MaximumRetryAttempts") != 0:
        yield "Lambda tries a run that failed again, minutes later"
    seconds = stack.resources["ReconcilerFunction"]["Properties"]["Timeout"]
    longest = (calls.get("MaximumEventAgeInSeconds", LONGEST_WAIT_SECONDS) + seconds) / 60
    for one, other in pairwise((*minutes, minutes[0] + 60)):
        if other - one < longest:
            yield f"a run may end {longest:g} minutes after it was due, but the next begins after {other - one}"


def payments_are_compared_in_the_night_alone(template: Template) -> Iterator[str]:
    """All payments into channels are listed each time: once a day is often enough."""
    stack = template.stack(**RECONCILING)
    for name, schedule in stack.of_type("AWS::Scheduler::Schedule").items():
        if name.startswith("ReconcilerFunction"):
            told = json.loads(schedule["Target"]["Input"]).get("payments", False)
            if told is not name.endswith("EveryNight"):
                yield f"{name} says of payments: {told}"


def reserving_is_for_who_asks_for_it(template: Template) -> Iterator[str]:
    """An account whose quota is small refuses any reservation."""
    for values, reserved in (({}, None), ({"IngestReservedConcurrency": "5"}, "5")):
        for name, function in template.stack(**RECONCILING, **values).of_type("AWS::Lambda::Function").items():
            expected = reserved if name == "IngestFunction" else None
            if function.get("ReservedConcurrentExecutions") != expected:
                yield f"{name} reserves {function.get('ReservedConcurrentExecutions')}, not {expected}"
