"""The places of the checkout and of its files."""

from pathlib import Path
from typing import Final

from wickiepay_cli.errors import CommandError

CHECKOUT: Final = (Path(__file__).resolve().parents[2] / "template.yaml").exists()
"""Whether this command belongs to a checkout; otherwise it was installed from a wheel."""

PROJECT: Final = Path(__file__).resolve().parents[2 if CHECKOUT else 0] / ("" if CHECKOUT else "shipped")
"""The folder of template.yaml, the functions and the samples: the checkout, or its copy in the wheel."""

EVENTS: Final = PROJECT / "events"
PAYLOADS: Final = EVENTS / "payloads"
SAVED: Final = EVENTS / "saved"
"""Samples that were saved in this checkout."""

DEFAULT_SIGNING_SECRET: Final = "whsec_local_development_only"
"""Signs deliveries to a local stack unless WICKIEPAY_WEBHOOK_SECRET is set. It is public, so not really a secret."""


def checkout() -> Path:
    """The checkout that this command belongs to. Raises `CommandError` if it was installed without one."""
    if not CHECKOUT:
        raise CommandError("This is for a checkout of the project: clone it, make .venv/.ready, .venv/bin/wickiepay.")
    return PROJECT
