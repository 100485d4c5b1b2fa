"""What went out on the event bus as far as the records and the bus know it."""

from typing import Any, Final

from wickiepay import clock
from wickiepay.event_record import State
from wickiepay_cli.console.delivery import announcement
from wickiepay_cli.errors import EXPECTED, sentence
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.filters import Filter, moment

MOST: Final = 20
PERIOD: Final = "7d"


def found(stack: Stack) -> dict[str, Any]:
    """The newest announcements, each with its JSON, and the rules on the bus with their targets."""
    wanted = Filter(states=[State.PROCESSED, State.IGNORED], since=moment(PERIOD))
    newest = []
    for record in wanted.whole_among(stack.events(MOST), clock.now()):
        newest.append((record, announcement(stack, record)))
        if len(newest) == MOST:
            break
    try:
        rules, unknown = _rules(stack), None
    except EXPECTED as error:
        rules, unknown = [], sentence(error)
    return {
        "on": stack.parameters.get("Announcements", "on") == "on",
        "bus": stack.outputs.get("EventBusName"),
        "announced": newest,
        "rules": rules,
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
