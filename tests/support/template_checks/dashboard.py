"""The dashboard: it can be drawn, shows figures that there are, and all that needs a person."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

from tests.support.cloudformation import Stack, Template
from tests.support.template_checks.metrics import by_type, exists
from tests.support.template_checks.parameters import RECONCILING

COLUMNS: Final = 24
SEARCH: Final = re.compile(r"""SEARCH\('\{(?P<schema>[^}]*)\} MetricName="(?P<name>\w+)"', '\w+', \d+\)""")
QUOTED: Final = re.compile(r'"([^"]+)"')


def lean_monitoring_has_none(template: Template) -> Iterator[str]:
    lean = template.stack(Monitoring="lean")
    yield from (f"{name} is billed" for name in lean.of_type("AWS::CloudWatch::Dashboard"))
    if "DashboardName" in lean.outputs:
        yield "an output names it"


def widgets_have_a_place_each(template: Template) -> Iterator[str]:
    for stack in _stacks(template):
        places = [(w["properties"]["title"], w["x"], w["y"], w["width"], w["height"]) for w in _widgets(stack)]
        for title, x, _, width, _ in places:
            if x + width > COLUMNS:
                yield f"{title} is cut off"
        for (one, x, y, width, height), (other, x2, y2, width2, height2) in combinations(places, 2):
            if x < x2 + width2 and x2 < x + width and y < y2 + height2 and y2 < y + height:
                yield f"{one} covers {other}"


def every_figure_is_one_that_there_is(template: Template) -> Iterator[str]:
    for stack in _stacks(template):
        for title, metric in _metrics(stack):
            if isinstance(metric[0], dict):
                yield from (f"{title}: {wrong}" for wrong in _wrong_with_search(stack, metric[0]["expression"]))
                continue
            namespace, name, *more = [part for part in metric if isinstance(part, str)]
            if not exists(stack, namespace, name, dict(zip(more[::2], more[1::2], strict=True))):
                yield f"{title} shows {namespace} {name} {more}"


def _wrong_with_search(stack: Stack, expression: str) -> Iterator[str]:
    match = SEARCH.fullmatch(expression)
    if not match:
        yield f"no search that can be read: {expression}"
        return
    quoted = QUOTED.findall(match["schema"])
    if ",".join(f'"{name}"' for name in quoted) != match["schema"]:
        yield f"names that are more than letters and digits have to be quoted: {match['schema']}"
    elif not by_type(stack, quoted[0], match["name"], frozenset(quoted[1:])):
        yield f"there is no {match['name']} by {quoted}"


def every_figure_has_a_name_and_each_in_a_widget_its_own(template: Template) -> Iterator[str]:
    for stack in _stacks(template):
        labels = Counter((title, metric[-1].get("label")) for title, metric in _metrics(stack))
        for (title, label), count in labels.items():
            if not label or count > 1:
                yield f"{title} calls {count} figures {label}"


def every_figure_has_a_statistic_and_the_stacks_region(template: Template) -> Iterator[str]:
    for stack in _stacks(template):
        for widget in _widgets(stack):
            properties = widget["properties"]
            if widget["type"] == "metric" and (
                properties.get("region") != stack.values["AWS::Region"] or not {"stat", "period"} <= properties.keys()
            ):
                yield f"{properties['title']} is of {properties.get('region')}, {properties.get('stat')}"


def all_that_needs_a_person_is_seen_first(template: Template) -> Iterator[str]:
    for stack in _stacks(template):
        shown = Counter(_widgets(stack)[0]["properties"].get("alarms", []))
        alarms = stack.of_type("AWS::CloudWatch::Alarm")
        rings = {f"{name}.Arn" for name, alarm in alarms.items() if alarm.get("AlarmActions")}
        yield from (f"{name} is shown or rings, not both" for name in shown.keys() ^ rings)
        yield from (f"{name} is shown {times} times" for name, times in shown.items() if times > 1)


def _stacks(template: Template) -> tuple[Stack, Stack]:
    """One without a reconciler, and one with it."""
    return template.stack(), template.stack(**RECONCILING)


def _widgets(stack: Stack) -> list[dict[str, Any]]:
    [dashboard] = stack.of_type("AWS::CloudWatch::Dashboard").values()
    widgets: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return widgets


def _metrics(stack: Stack) -> Iterator[tuple[str, list[Any]]]:
    """Each figure, as the dashboard writes it, with the title of its widget."""
    for widget in _widgets(stack):
        for metric in widget["properties"].get("metrics", []):
            yield widget["properties"]["title"], metric
