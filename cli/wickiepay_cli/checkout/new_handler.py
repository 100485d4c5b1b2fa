"""The files that a new event type needs (docs/adding-an-event-type.md): a handler, its test, and a sample."""

import json
import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final
from uuid import NAMESPACE_DNS, uuid5

from wickiepay.identity import Identity
from wickiepay_cli.checkout.handlers import HANDLERS, handlers_in
from wickiepay_cli.errors import CommandError

TESTS: Final = Path("tests/unit/handlers")
SAMPLES: Final = Path("events/payloads")

MAX_CHARACTERS: Final = 48
"""Longest name, so that lines with it stay within 120 characters."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")

_HANDLER: Final = Template('''\
"""What `$event` does to the books."""

from wickiepay.effects import Effect, set_resource
from wickiepay.event import WebhookEvent
from wickiepay.routing import Settings, on


@on("$event")
def $function(event: WebhookEvent, _: Settings) -> list[Effect]:
$beside    return [set_resource(event, "$kind")]
''')

_BESIDE: Final = """\
    # Kept beside the payment, so that its order stays what it is. `set_payment` would join the two: from stage 90 on it
    # takes PAID from the order, and an event of type OUT makes a payout of the payment. Balances stay as well.
"""
"""Why an event about a payment says nothing of the payment itself, until somebody knows better."""

_TEST: Final = Template('''\
"""What `$event` does to the books."""

from handlers.$module import $function
from wickiepay.effects import describe
from wickiepay.event import parse
from wickiepay.routing import Settings
from wickiepay_cli.sending.samples import sample


def test_${plain}_sets_what_it_is_about() -> None:
    body = sample("$event")
    effects = $function(parse(body), Settings(account_field="reference"))
    assert [describe(effect, stands=True) for effect in effects] == [
        {
            "effect": "set_resource",
            "kind": "$kind",
            "id": "$uuid",
            "status": "COMPLETE",
        }
    ]
''')


def files_for(event: str, project: Path) -> Mapping[Path, str]:
    """The files to add to the checkout `project` for the event type `event`, by their paths in it.

    The handler's module is named after the family or, if that exists, the event. Raises `CommandError` if it cannot be.
    """
    if not _NAME.fullmatch(event) or len(event) > MAX_CHARACTERS:
        raise CommandError(
            f'"{event}" is not an event type: those are lower-case words of letters, digits and underscores, joined by '
            f"dots, in at most {MAX_CHARACTERS} characters, such as invoice.paid."
        )
    if not (project / HANDLERS).is_dir():
        raise CommandError(f"There is no {HANDLERS} here: this command works in a checkout of the project.")
    if event in handlers_in(project):
        raise CommandError(f"{event} already has a handler, in {HANDLERS}.")
    *family, _ = event.split(".") if "." in event else (event, "")
    plain = event.replace(".", "_")
    module, function = _identifier("_".join(family)), _identifier(plain)
    if (project / HANDLERS / f"{module}.py").exists():
        module = function
    uuid = str(uuid5(NAMESPACE_DNS, event))
    about_payment = Identity(uuid, event).about_money
    words = {
        "event": event,
        "plain": plain,
        "function": function,
        "module": module,
        "kind": plain if about_payment else "_".join(family),
        "beside": _BESIDE if about_payment else "",
        "uuid": uuid,
    }
    files = {
        HANDLERS / f"{module}.py": _HANDLER.substitute(words),
        test_of(event): _TEST.substitute(words),
        SAMPLES / f"{event}.json": _sample(event, uuid),
    }
    for path in files:
        if (project / path).exists():
            raise CommandError(f"{path} already exists: nothing was written.")
    return files


def test_of(event: str) -> Path:
    """The path of the test for the handler of an event type."""
    return TESTS / f"test_{event.replace('.', '_')}.py"


def write(files: Mapping[Path, str], project: Path) -> None:
    """Adds the files to a folder without overwriting any."""
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        with (project / path).open("x") as file:
            file.write(text)


def _identifier(words: str) -> str:
    return f"{words}_" if keyword.iskeyword(words) else words


def _sample(event: str, uuid: str) -> str:
    payload = {
        "event": event,
        "timestamp": "2026-01-15T10:25:00Z",
        "data": {"uuid": uuid, "status": "COMPLETE", "reference": "order-1001"},
    }
    return json.dumps(payload, indent=2) + "\n"
