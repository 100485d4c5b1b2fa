"""`wickiepay verify`: whether a signature is right, and if not, why."""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from wickiepay_cli.commands.options import SECRET_VARIABLE, AsJson, at_stack
from wickiepay_cli.errors import EXPECTED, CommandError, sentence
from wickiepay_cli.output.tables import say, show_facts, show_json, tell
from wickiepay_cli.signatures import captured
from wickiepay_cli.signatures.captured import Captured
from wickiepay_cli.signatures.of_stack import known_to, schemes_of, secrets_of
from wickiepay_cli.signatures.others import Known
from wickiepay_cli.signatures.verdict import NO_EVENT, Received, Verdict, diagnose
from wickiepay_cli.stacks.stack import Stack, Where

_FILE: Final[Mapping[str, Any]] = {"metavar": "FILE", "exists": True, "dir_okay": False, "readable": True}
_FILE_OR_PIPE: Final[Mapping[str, Any]] = {"metavar": "FILE", "dir_okay": False}

UNCHECKED: Final = 3
"""The exit code if the signature could not be checked: it may be valid or not."""


@at_stack
def verify(  # noqa: PLR0913  options
    where: Where,
    *,
    body: Annotated[
        Path | None,
        typer.Option(**_FILE_OR_PIPE, help="A file with the body as it was received; - reads standard input."),
    ] = None,
    signature: Annotated[
        str | None, typer.Option(metavar="HEX", help="The value of the header X-Webhook-Signature.")
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option(
            **_FILE_OR_PIPE,
            help="A captured request: curl (bash, cmd), PowerShell, HAR, raw HTTP, the output of curl -v or --trace, "
            "an event of API Gateway or a load balancer.",
        ),
    ] = None,
    entry: Annotated[
        int | None, typer.Option(min=0, help="The entry of the HAR archive to check.", show_default="every POST")
    ] = None,
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="SECRET",
            help="The signing secret. Repeat the option for the previous one.",
            show_default=f"{SECRET_VARIABLE}, otherwise the stack's",
        ),
    ] = None,
    scheme: Annotated[
        Literal["raw", "node", "python"] | None,
        typer.Option(help="The only scheme to accept.", show_default="those of the stack, otherwise all"),
    ] = None,
    others: Annotated[
        list[Path] | None, typer.Option("--other", **_FILE, help="Another body that the signature may belong to.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check whether a signature is valid, under which scheme and with which secret. If it is not, say why.

    If a secret is given, the local stack is not used. No secret is ever shown.

    Exit codes: 0 valid (all, if there are several), 1 not valid, 2 wrong usage, 3 could not be checked.
    """
    try:
        deliveries = _deliveries(body, signature, request, entry)
        keys = _given(secrets or [], None if where.name else os.environ.get(SECRET_VARIABLE))
        found = None
        if not keys or where:
            found = _found(where)
            keys = keys or secrets_of(found)
        schemes = [scheme] if scheme else schemes_of(found)
        verdicts = [diagnose(each.received, keys, _others(others or [], found), schemes) for each in deliveries]
    except EXPECTED as error:
        tell(sentence(error))
        raise typer.Exit(UNCHECKED) from error
    checked = list(zip(deliveries, verdicts, strict=True))
    if as_json:
        facts = [_facts(each, verdict) for each, verdict in checked]
        show_json(facts if len(facts) > 1 else facts[0])
    else:
        for each, verdict in checked:
            if len(checked) > 1:
                say(f"Entry {each.entry}: {each.url or ''}")
            show_verdict(verdict, each.received)
            if len(checked) > 1:
                say("")
    if not all(verdict.valid for verdict in verdicts):
        raise typer.Exit(1)


def _deliveries(
    body: Path | None, signature: str | None, request: Path | None, entry: int | None
) -> Sequence[Captured]:
    if (body is None) == (request is None):
        raise typer.BadParameter("give either --body, with its --signature, or --request.")
    if body is not None:
        if signature is None:
            raise typer.BadParameter("--body goes with --signature, the value of the header X-Webhook-Signature.")
        return [Captured(Received(_read(body), signature))]
    assert request is not None
    deliveries = captured.read(_read(request), entry)
    if signature is None:
        return deliveries
    return [replace(each, received=replace(each.received, signature=signature)) for each in deliveries]


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None


def _found(where: Where) -> Stack:
    try:
        return where.find()
    except CommandError as error:
        if where:
            raise
        raise CommandError(
            f"There is no secret to verify with: give it with --secret or in {SECRET_VARIABLE}, or name the "
            "deployed stack that has it with --stack. (No local stack is running.)"
        ) from error


def _given(given: Sequence[str], of_environment: str | None) -> Sequence[bytes]:
    """The secrets that are given on the command line, otherwise in the environment; empty if there are none.

    The environment's is for this machine: a deployed stack that is named has its own.
    """
    # Not Typer's own way with variables: it would part the text at its blanks, and those may be what is wrong.
    return [os.fsencode(secret) for secret in given or filter(None, [of_environment])]


def _others(files: Sequence[Path], found: Stack | None) -> Iterator[Known]:
    yield from (Known(str(file), file.read_bytes()) for file in files)
    yield from known_to(found)


def _facts(delivery: Captured, verdict: Verdict) -> dict[str, object]:
    which = {} if delivery.entry is None else {"entry": delivery.entry, "url": delivery.url}
    return which | asdict(verdict) | _body_facts(delivery.received)


def _body_facts(received: Received) -> dict[str, object]:
    """What the listener's log says of a body, by the same names: to find its line."""
    return {"bytes": len(received.body), "body_sha256": hashlib.sha256(received.body).hexdigest()}


def show_verdict(verdict: Verdict, received: Received) -> None:
    if verdict.valid:
        is_event = all(finding.code != NO_EVENT for finding in verdict.findings)
        but = "" if is_event else " But it is not an event."
        say(f"✓ The signature is valid: scheme {verdict.scheme}, {verdict.secret} secret.{but}")
    else:
        say("✗ The signature is not valid.")
    say("")
    if verdict.findings:
        show_facts((finding.code, f"{finding.what}\n→ {finding.remedy}") for finding in verdict.findings)
        say("")
    show_facts((name.replace("_", " "), str(fact)) for name, fact in _body_facts(received).items())
