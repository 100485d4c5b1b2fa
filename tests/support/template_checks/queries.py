"""The saved queries: of log groups of this stack, about fields that stand in them."""

import re
from collections.abc import Iterator
from typing import Final

from tests.support.cloudformation import Template
from tests.support.template_checks.logs import logged

OF_THE_PLATFORM: Final = {
    *("@timestamp", "@message", "@log", "@logStream", "@ptr"),
    *("type", "record.metrics.initDurationMs", "record.metrics.durationMs"),
}
"""What CloudWatch Logs adds, and what Lambda reports of an invocation in JSON."""

WORDS: Final = {
    *("fields", "filter", "stats", "sort", "limit", "dedup", "display"),
    *("and", "or", "not", "in", "like", "as", "by", "asc", "desc"),
}
"""Of the query language."""


def every_saved_query_is_of_log_groups_of_this_stack(template: Template) -> Iterator[str]:
    stack = template.stack()
    for name, query in stack.of_type("AWS::Logs::QueryDefinition").items():
        for group in query.get("LogGroupNames", ["all that the account has"]):
            if stack.type_of(group) != "AWS::Logs::LogGroup":
                yield f"{name} is of {group}"


def every_saved_query_is_about_fields_that_are_logged(template: Template) -> Iterator[str]:
    stack = template.stack()
    for name, query in stack.of_type("AWS::Logs::QueryDefinition").items():
        known = OF_THE_PLATFORM.union(*(logged(stack, group) for group in query.get("LogGroupNames", [])))
        yield from (f"{name} is about {field}" for field in _asked(query["QueryString"]) - known)


def _asked(text: str) -> set[str]:
    """The fields that a query names: no words, functions, texts or numbers of the language, and no names of its own."""
    code = re.sub(r'"[^"]*"|#.*', " ", text)
    own = set(re.findall(r"\bas (\w+)", code))
    return set(re.findall(r"(?<![\w.@])[@A-Za-z_][\w.]*(?![\w.]*\()", code)) - WORDS - own
