"""`wickiepay samples`: rewrites the sample invocations in `events`."""

from wickiepay_cli.checkout.sample_events import sample_events
from wickiepay_cli.output.tables import say
from wickiepay_cli.project import EVENTS, checkout


def samples() -> None:
    """Rewrite events/ingest, events/consumer and events/relay from the payloads."""
    checkout()
    for name, text in sample_events().items():
        (EVENTS / name).parent.mkdir(exist_ok=True)
        (EVENTS / name).write_text(text)
        say(f"events/{name}")
