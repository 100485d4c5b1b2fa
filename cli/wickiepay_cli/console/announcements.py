"""What went out on the event bus as far as the records and the bus know it."""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from wickiepay import clock
from wickiepay_cli.console.bodies import body_of
from wickiepay_cli.errors import EXPECTED, sentence
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.announcements import ANNOUNCED, of_events
from wickiepay_cli.store.filters import Filter, moment
from wickiepay_cli.watching.feed import Forwarded

MOST: Final = 20
PERIOD: Final = "7d"


def found(stack: Stack, answers: Sequence[Forwarded]) -> dict[str, Any]:
    """The newest announcements, each with its JSON, the rules on the bus with their targets, and the answers.

    `answers` are those of the application that events are forwarded to.
    """
    records = stack.events(MOST)
    wanted = Filter(states=ANNOUNCED, since=moment(PERIOD)).among(records, clock.now())
    newest = of_events(records, (each.identity for each in islice(wanted, MOST)), stack.account, stack.region)
    try:
        rules, unknown = _rules(stack), None
    except EXPECTED as error:
        rules, unknown = [], sentence(error)
    return {
        "on": stack.parameters.get("Announcements", "on") == "on",
        "bus": stack.outputs.get("EventBusName"),
        "announced": [(each, body_of(json.dumps(each.detail).encode())) for each in newest],
        "rules": rules,
        "answers": answers,
        "unknown": unknown,
    }


def _rules(stack: Stack) -> list[tuple[str, str, str, list[str]]]:
    """Of each rule on the bus: its name, its state, what it picks, and the ARNs that it sends that to."""
    client, bus = stack.client("events"), stack.output("EventBusName")
    return [
        (
            rule["Name"],
            rule.get("State", ""),
            rule.get("EventPattern", ""),
            [each["Arn"] for each in client.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]],
        )
        for rule in client.list_rules(EventBusName=bus)["Rules"]
    ]
