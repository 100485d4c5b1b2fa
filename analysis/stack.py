"""Constants from template.yaml and the code: sizes, limits, schedules, and the number of things billed by the month."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from samtranslator.yaml_helper import yaml_parse

from wickiepay.event_record import SHARDS

type Template = Mapping[str, Any]

SECONDS: Final = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}
RECONCILING: Final = {f"Provider{name}": "given" for name in ("BaseUrl", "ClientId", "MerchantId")}
"""Values of parameters with which a stack has a reconciler."""

TOLD_BY_THE_PLATFORM: Final = frozenset({"INFO", "DEBUG"})
"""The levels of a function's system log at which the platform writes a line at each start and end."""


@dataclass(frozen=True, slots=True)
class Function:
    memory_mb: int
    timeout_seconds: int
    platform_lines: bool

    @property
    def memory_gb(self) -> float:
        return self.memory_mb / 1024


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed listener, where every parameter has its default unless another value is given.

    `replace` makes another.
    """

    ingest: Function
    consumer: Function
    relay: Function
    throttle_rate: float
    throttle_burst: float
    reserved_concurrency: int | None
    batch_size: int
    batching_window_seconds: int
    greatest_batching_window_seconds: int
    maximum_concurrency: int
    greatest_maximum_concurrency: int
    announces: bool
    event_retention_days: int
    least_retention_days: int
    log_retention_days: int
    relay_seconds: int
    relay_events: int
    relay_run_seconds: int
    shards: int
    reconciles: bool
    reconcile_days: int
    monitors_fully: bool
    alarms: int
    dashboards: int
    secrets: int
    restorable: bool
    access_log_format: str
    metrics: frozenset[tuple[str, str]]
    """The custom metrics of the listener's own, each with the service that emits it ("" for the API's log)."""
    event_types: int
    """How many event types have a handler."""

    @classmethod
    def of(cls, template: Template, project: Path, **values: object) -> Self:
        """Reads a parsed template, and from the code in `project` what no template holds.

        `values` are those of parameters, by name.
        """
        parameters = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()} | values
        monitors_fully = parameters["Monitoring"] == "full"
        reconciles = all(parameters[name] for name in RECONCILING)
        priced = {
            "MonitorsFully": monitors_fully,
            "HasProvider": parameters["ProviderBaseUrl"] != "",
            "Reconciles": reconciles,
        }
        made = [r for r in template["Resources"].values() if priced.get(r.get("Condition"), True)]
        resources = {name: resource["Properties"] for name, resource in template["Resources"].items()}

        def value(of: object) -> Any:  # noqa: ANN401  whatever a template may hold
            return parameters[of["Ref"]] if isinstance(of, dict) and "Ref" in of else of

        def function(name: str) -> Function:
            of = resources[name]
            level = of["LoggingConfig"]["SystemLogLevel"]
            return Function(value(of["MemorySize"]), value(of["Timeout"]), level in TOLD_BY_THE_PLATFORM)

        def count(kind: str) -> int:
            return sum(resource["Type"] == kind for resource in made)

        api, source = resources["WebhookApi"], resources["ConsumerFunction"]["Events"]["Queue"]["Properties"]
        schedule = resources["RelayFunction"]["Events"]["EveryMinute"]["Properties"]["ScheduleExpression"]
        reserved = parameters["IngestReservedConcurrency"]
        return cls(
            ingest=function("IngestFunction"),
            consumer=function("ConsumerFunction"),
            relay=function("RelayFunction"),
            throttle_rate=value(api["DefaultRouteSettings"]["ThrottlingRateLimit"]),
            throttle_burst=value(api["DefaultRouteSettings"]["ThrottlingBurstLimit"]),
            reserved_concurrency=int(reserved) if reserved else None,
            batch_size=value(source["BatchSize"]),
            batching_window_seconds=value(source["MaximumBatchingWindowInSeconds"]),
            greatest_batching_window_seconds=template["Parameters"]["ConsumerBatchingWindow"]["MaxValue"],
            maximum_concurrency=value(source["ScalingConfig"]["MaximumConcurrency"]),
            greatest_maximum_concurrency=template["Parameters"]["ConsumerMaximumConcurrency"]["MaxValue"],
            announces=parameters["Announcements"] == "on",
            event_retention_days=parameters["EventRetentionDays"],
            least_retention_days=template["Parameters"]["EventRetentionDays"]["MinValue"],
            log_retention_days=parameters["LogRetentionDays"],
            relay_seconds=_period(schedule),
            relay_events=_constant(project / "functions/relay/relay.py", "MAX_EVENTS"),
            relay_run_seconds=_constant(project / "functions/relay/relay.py", "RUN_SECONDS"),
            shards=SHARDS,
            reconciles=reconciles,
            reconcile_days=parameters["ReconcileDays"],
            monitors_fully=monitors_fully,
            alarms=count("AWS::CloudWatch::Alarm"),
            dashboards=count("AWS::CloudWatch::Dashboard"),
            secrets=count("AWS::SecretsManager::Secret"),
            restorable=resources["EventTable"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
            access_log_format=api["AccessLogSettings"]["Format"],
            metrics=frozenset(_metrics(made, priced)),
            event_types=len(handled(project)),
        )


def read(project: Path, **values: object) -> Stack:
    """The stack that `project` deploys with these values of parameters."""
    return Stack.of(yaml_parse((project / "template.yaml").read_text()), project, **values)


def handled(project: Path) -> set[str]:
    """The event types that have a handler: what `@on(…)` is given. Read, not imported: handlers want Lambda's path."""
    modules = [ast.parse(path.read_text()) for path in (project / "functions/consumer/handlers").glob("*.py")]
    registered = [
        call.args
        for module in modules
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef)
        for call in function.decorator_list
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "on"
    ]
    return {ast.literal_eval(name) for names in registered for name in names}


def _metrics(resources: Iterable[Mapping[str, Any]], conditions: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    """Each custom metric that an alarm, the dashboard or a log filter names, with its service."""
    for resource in resources:
        of = resource["Properties"]
        match resource["Type"]:
            case "AWS::CloudWatch::Alarm" if _is_ours(of["Namespace"]):
                services = [each["Value"] for each in of.get("Dimensions", []) if each["Name"] == "service"]
                yield of["MetricName"], services[0] if services else ""
            case "AWS::Logs::MetricFilter":
                yield from ((each["MetricName"], "") for each in of["MetricTransformations"])
            case "AWS::CloudWatch::Dashboard":
                widgets = json.loads(_text(of["DashboardBody"], conditions))["widgets"]
                shown = [line for widget in widgets for line in widget["properties"].get("metrics", [])]
                for namespace, name, *rest in (line for line in shown if isinstance(line[0], str)):
                    if _is_ours(namespace):
                        yield name, rest[1] if rest[:1] == ["service"] else ""


def _is_ours(namespace: object) -> bool:
    return not _text(namespace).startswith("AWS/")


def _text(of: Any, conditions: Mapping[str, bool] | None = None) -> str:  # noqa: ANN401  whatever a template may hold
    match of, conditions or {}:
        case {"Fn::If": [condition, then, otherwise]}, known:
            return _text(then if known[condition] else otherwise, known)
        case {"Fn::Sub": [text, parts]}, known:
            for name, part in parts.items():
                text = text.replace(f"${{{name}}}", _text(part, known))
            return str(text)
        case {"Fn::Sub": text}, _:
            return str(text)
    return str(of)


def _period(schedule: str) -> int:
    """Seconds between two runs of `rate(1 minute)`."""
    [(number, unit)] = re.findall(r"^rate\((\d+) (\w+)\)$", schedule)
    return int(number) * SECONDS[unit]


def _constant(path: Path, name: str) -> int:
    """The number that a module assigns to `name`. Read, not imported: an edge wants its environment."""
    statements = ast.walk(ast.parse(path.read_text()))
    [number] = [
        ast.literal_eval(each.value)
        for each in statements
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and each.target.id == name
        and each.value
    ]
    return int(number)
