"""`wickiepay verify`: whether a signature is right, and if not, why."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from wickiepay.signature import SCHEMES
from wickiepay.signing_secrets import SigningSecrets
from wickiepay_cli import captured, known_bodies, stack
from wickiepay_cli.diagnosis.others import Known
from wickiepay_cli.diagnosis.verdict import Received, Verdict, diagnose
from wickiepay_cli.display import say, show_facts, show_json
from wickiepay_cli.options import AsJson, Profile, Region, StackName
from wickiepay_cli.stack import Stack

_FILE: Final[Mapping[str, Any]] = {"metavar": "FILE", "exists": True, "dir_okay": False, "readable": True}

SECRET_VARIABLE: Final = "WICKIEPAY_WEBHOOK_SECRET"


def verify(  # noqa: PLR0913  options
    *,
    body: Annotated[Path | None, typer.Option(**_FILE, help="The body as it was received.")] = None,
    signature: Annotated[
        str | None, typer.Option(metavar="HEX", help="The value of the header X-Webhook-Signature.")
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option(**_FILE, help="A captured request: a curl command, HAR, raw HTTP or an event of API Gateway."),
    ] = None,
    entry: Annotated[
        int | None, typer.Option(min=0, help="Which entry of the HAR archive.", show_default="the first signed POST")
    ] = None,
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="SECRET",
            help="The signing secret; given again, the previous one.",
            show_default=f"{SECRET_VARIABLE}, else the stack's",
        ),
    ] = None,
    scheme: Annotated[
        Literal["raw", "node", "python"] | None,
        typer.Option(help="The only scheme to accept.", show_default="those of the stack, else all"),
    ] = None,
    others: Annotated[
        list[Path] | None, typer.Option("--other", **_FILE, help="Another body, which the signature may belong to.")
    ] = None,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Say whether a signature is valid, under which scheme and with which secret, and if not, why; exit code 1 then.

    A secret that is given keeps the local stack out of it. No secret is ever shown.
    """
    received = _received(body, signature, request, entry)
    keys = _given(secrets or [])
    found = None
    if not keys or stack_name or profile or region:
        found = stack.find(stack_name, profile, region)
        keys = keys or _of_stack(found)
    verdict = diagnose(received, keys, _others(others or [], found), [scheme] if scheme else _accepted(found))
    if as_json:
        show_json(asdict(verdict) | _body_facts(received))
    else:
        _show(verdict, received)
    if not verdict.valid:
        raise typer.Exit(1)


def _received(body: Path | None, signature: str | None, request: Path | None, entry: int | None) -> Received:
    if (body is None) == (request is None):
        raise typer.BadParameter("give either --body, with its --signature, or --request.")
    if body is not None:
        if signature is None:
            raise typer.BadParameter("--body goes with --signature, the value of the header X-Webhook-Signature.")
        return Received(body.read_bytes(), signature)
    assert request is not None
    received = captured.read(request.read_bytes(), entry)
    return received if signature is None else replace(received, signature=signature)


def _given(given: Sequence[str]) -> Sequence[bytes]:
    """The secrets that are said on the command line, else in the environment; none where neither says any."""
    # Not Typer's own way with variables: it would part the text at its blanks, and those may be what is wrong.
    return [os.fsencode(secret) for secret in given or filter(None, [os.environ.get(SECRET_VARIABLE)])]


def _of_stack(found: Stack) -> Sequence[bytes]:
    """The secrets that the stack takes at present, the current one first: exactly what its functions read."""
    return SigningSecrets(found.client("secretsmanager"), found.output("SigningSecretArn"), time.monotonic).get()


def _accepted(found: Stack | None) -> Sequence[str]:
    """The schemes that the stack takes; all of them where it does not say, or there is none."""
    said = found.parameters.get("AcceptedSchemes") if found else None
    return said.split(",") if said else tuple(SCHEMES)


def _others(files: Sequence[Path], found: Stack | None) -> Iterator[Known]:
    yield from (Known(str(file), file.read_bytes()) for file in files)
    yield from known_bodies.of_samples()
    if found is not None:
        yield from known_bodies.on_record(found)


def _body_facts(received: Received) -> dict[str, object]:
    """What the listener's log says of a body, by the same names: to find its line."""
    return {"bytes": len(received.body), "body_sha256": hashlib.sha256(received.body).hexdigest()}


def _show(verdict: Verdict, received: Received) -> None:
    if verdict.valid:
        say(f"✓ The signature is valid: scheme {verdict.scheme}, {verdict.secret} secret.")
    else:
        say("✗ The signature is not valid.")
    say("")
    if verdict.findings:
        show_facts((finding.code, f"{finding.what}\n→ {finding.remedy}") for finding in verdict.findings)
        say("")
    show_facts((name.replace("_", " "), str(fact)) for name, fact in _body_facts(received).items())
