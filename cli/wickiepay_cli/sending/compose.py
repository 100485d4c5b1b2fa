"""The body of a delivery as a person describes it: a sample or a file, with some fields changed."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

import click
import typer

from wickiepay import clock
from wickiepay_cli.errors import CommandError
from wickiepay_cli.sending import exact_json, samples
from wickiepay_cli.sending.exact_json import Json

STANDARD_INPUT: Final = Path("-")


def compose(event: str | None, file: Path | None, uuid: str | None, assignments: Sequence[str], *, edit: bool) -> bytes:
    """The body of `event`'s sample, or otherwise of `file`, with all changes applied.

    An unchanged file stays as it is, byte by byte. Raises `CommandError`, and `typer.Abort` for an emptied editor.
    """
    text = _content(file) if file else samples.sample(str(event))
    if file and uuid is None and not assignments and not edit:
        return text
    try:
        envelope = exact_json.read(text)
    except ValueError as error:
        name = "Standard input" if file == STANDARD_INPUT else file
        raise CommandError(f"{name} is not JSON, so nothing in it can be changed: {error}") from error
    if file is None:
        samples.refresh(envelope, str(uuid4()), clock.now())
    if uuid is not None:
        samples.identify(envelope, uuid)
    assign_all(envelope, assignments)
    body = text if file and uuid is None and not assignments else exact_json.write(envelope).encode()
    return _edited(exact_json.write(envelope), body) if edit else body


def _content(file: Path) -> bytes:
    """The content of the file, or of standard input if its name is `-`."""
    return sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()


def assign_all(envelope: Json, assignments: Sequence[str]) -> None:
    """Applies each `path=value` of the option --set. Raises `typer.BadParameter` for an impossible one."""
    for assignment in assignments:
        try:
            exact_json.assign(envelope, assignment)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--set") from error


def _edited(shown: str, body: bytes) -> bytes:
    """The text that a person makes of `shown` in an editor, or `body` if it is not changed."""
    try:
        text = click.edit(shown, extension=".json")
    except (click.ClickException, ValueError) as error:  # ValueError: a command or text that cannot be read
        raise CommandError(f"The editor did not work: {error}") from error
    if text is None or text.strip() == shown:
        return body
    if not text.strip():
        raise typer.Abort
    try:
        return exact_json.write(exact_json.read(text)).encode()
    except ValueError as error:
        raise CommandError(f"What you wrote is not JSON: {error}") from error
