"""`wickiepay samples`: writes the sample invocations in `events` anew."""

from wickiepay_cli.display import say
from wickiepay_cli.envelopes import envelopes
from wickiepay_cli.local.stack_file import checkout
from wickiepay_cli.samples import EVENTS


def samples() -> None:
    """Write events/ingest, events/consumer and events/relay anew, from the payloads."""
    checkout()
    for name, text in envelopes().items():
        (EVENTS / name).parent.mkdir(exist_ok=True)
        (EVENTS / name).write_text(text)
        say(f"events/{name}")
