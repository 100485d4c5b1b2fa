"""What the command knows of its own project: where the checkout is, and what lies in it."""

from pathlib import Path
from typing import Final

from wickiepay_cli.errors import CommandError

CHECKOUT: Final = (Path(__file__).resolve().parents[2] / "template.yaml").exists()
"""Whether this command belongs to a checkout; otherwise it was installed from a wheel."""

PROJECT: Final = Path(__file__).resolve().parents[2 if CHECKOUT else 0] / ("" if CHECKOUT else "shipped")
"""Where template.yaml, the functions and the samples are: the checkout, or what the wheel has of it."""

EVENTS: Final = PROJECT / "events"
PAYLOADS: Final = EVENTS / "payloads"

DEFAULT_SIGNING_SECRET: Final = "whsec_local_development_only"
"""What deliveries to a local stack are signed with unless WICKIEPAY_WEBHOOK_SECRET says otherwise. No secret at all."""


def checkout() -> Path:
    """The checkout that this command belongs to. Raises `CommandError` where it was installed without one."""
    if not CHECKOUT:
        raise CommandError("This is for a checkout of the project: clone it, make .venv/.ready, .venv/bin/wickiepay.")
    return PROJECT
