"""What is on record, and what was refused, chosen by time, type, state, reference and text."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from wickiepay import clock
from wickiepay.event_record import State
from wickiepay_cli.errors import EXPECTED, CommandError, sentence
from wickiepay_cli.stacks.stack import Stack
from wickiepay_cli.store.filters import Filter, moment
from wickiepay_cli.store.refused_deliveries import RefusedDelivery, refused_deliveries

MOST: Final = 200
PERIOD: Final = "yesterday"
"""From when on events are shown unless somebody says otherwise."""


def found(stack: Stack, asked: Mapping[str, str]) -> dict[str, Any]:
    """The events that are asked for, the newest first, and of a deployed stack the deliveries that it refused."""
    said = {
        name: asked.get(name, "").strip() for name in ("since", "until", "type", "state", "uuid", "reference", "text")
    }
    said["since"] = said["since"] or PERIOD
    try:
        since = moment(said["since"])
        until = moment(said["until"]) if said["until"] else None
        states = [State(said["state"])] if said["state"] else None
    except ValueError as error:
        raise CommandError(str(error)) from None
    wanted = Filter(
        states=states,
        types=said["type"].split() or None,
        since=since,
        until=until,
        uuid=said["uuid"] or None,
        reference=said["reference"] or None,
        text=said["text"] or None,
    )
    now = clock.now()
    records = list(islice(wanted.among(stack.events(MOST + 1), now), MOST + 1))
    refused: list[RefusedDelivery] | None = None
    unknown = None
    if stack.deployed:
        try:
            refused = refused_deliveries(stack.client, stack.outputs.get("IngestLogGroup"), since, until or now)
        except EXPECTED as error:
            unknown = sentence(error)
    return {
        "said": said,
        "states": list(State),
        "records": records[:MOST],
        "more": len(records) > MOST,
        "refused": refused,
        "refused_unknown": unknown,
    }
