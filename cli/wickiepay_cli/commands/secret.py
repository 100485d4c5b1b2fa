"""`wickiepay secret`: the secret that WickiePay signs with, in the stack's Secrets Manager."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from wickiepay import clock
from wickiepay_cli.commands.options import AsJson, Yes, at_stack, confirm_change, on_stack
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import ask, at_a_terminal, say, show_json, show_table, write
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.secret_uses import PERIOD, last_uses
from wickiepay_cli.store.secret_versions import (
    CURRENT,
    KNOWN_AFTER,
    PREVIOUS,
    SecretVersions,
    Version,
    checked,
    generated,
    refuse_blind_retirement,
    refuse_retirement,
    refuse_rotation,
    refuse_short,
    rotation_known_from,
    with_stage,
)

Generate = Annotated[bool, typer.Option("--generate", help="Make up a new one.")]
FromEnvironment = Annotated[
    str | None,
    typer.Option("--from-env", metavar="VARIABLE", help="Take it from this environment variable."),
]


@on_stack
def set_secret(  # noqa: PLR0913  options
    found: Stack,
    *,
    generate: Generate = False,
    from_environment: FromEnvironment = None,
    force: Annotated[bool, typer.Option("--force", help="Even though it is short.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Accept this secret and no other, from now on: to set up a stack, or because the present secret has leaked.

    The secret is asked for, or read from standard input. A change that refuses nothing is secret rotate.
    """
    versions = found.secret()
    value = _given(generate=generate, variable=from_environment, may_be_piped=yes or found.deployed is None)
    if not force:
        refuse_short(value)
    confirm_change(found, "refuse whatever is signed with another secret", yes=yes)
    version = versions.replace(value)
    alone_from = clock.now() + KNOWN_AFTER
    where = found.asked.options
    if as_json:
        show_json({"current": version, "known_from": clock.instant(alone_from)})
        return
    say(f"The secret is set (version {version}). From {_time(alone_from)} on no other is accepted anywhere.")
    if generate:
        say(f"Give it to WickiePay: wickiepay secret show --yes-print-it{where}")


@on_stack
def rotate(  # noqa: PLR0913  options
    found: Stack,
    *,
    generate: Generate = False,
    from_environment: FromEnvironment = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Even though the previous one still counts (it is dropped), or the new one is short."
        ),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Accept a new secret besides the present one, so that WickiePay can change over and nothing is refused.

    The secret is asked for, or read from standard input. Refused while an earlier rotation is under way, that is until
    secret retire: it would drop the secret that WickiePay may still sign with.
    """
    versions = found.secret()
    if not force:
        refuse_rotation(versions.staged())
    value = _given(generate=generate, variable=from_environment, may_be_piped=yes or found.deployed is None)
    if not force:
        refuse_short(value)
    confirm_change(found, "accept a new secret besides the present one", yes=yes)
    current = _of(versions, versions.rotate(value))
    where = found.asked.options
    if as_json:
        previous = with_stage(versions.staged(), PREVIOUS)
        known_from = clock.instant(current.known_from)
        show_json({"current": current.id, "previous": previous.id if previous else None, "known_from": known_from})
        return
    say(f"The new secret is accepted, and the one before it still is (version {current.id}). What to do next:")
    say(f"1. Wait until {_time(current.known_from)}: then every function knows the new one.")
    say(f"2. Give it to WickiePay. It is printed by wickiepay secret show --yes-print-it{where}")
    say("3. A day after, when nothing signed with the one before can come any more:")
    say(f"   wickiepay secret retire{where}")


@on_stack
def retire(
    found: Stack,
    *,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Even though not every function knows the new one yet, or the previous one signed lately."
        ),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take the previous secret out of use: whatever is still signed with it is refused, within five minutes.

    Refused where a delivery that came within the last day was signed with it.
    """
    versions = found.secret()
    staged = versions.staged()
    if not force:
        refuse_retirement(staged, clock.now())
    if with_stage(staged, PREVIOUS):
        uses = _last_uses(found, staged)
        if uses and not force:
            refuse_blind_retirement(uses[PREVIOUS], clock.now())
        last = _use(uses, PREVIOUS)
        what = f"refuse whatever is signed with the previous secret (the last delivery signed with it: {last})"
        confirm_change(found, what, yes=yes)
    retired = versions.retire()
    if as_json:
        show_json({"retired": retired})
    elif retired:
        say(f"The previous secret is out of use (version {retired}).")
    else:
        say("There is no previous secret: the present one alone is accepted.")


@on_stack
def status(
    found: Stack,
    *,
    as_json: AsJson = False,
) -> None:
    """Show which secrets are accepted and since when, and when one last signed a delivery; never the secrets."""
    versions = found.secret()
    staged = versions.staged()
    uses = _last_uses(found, staged)
    problems = {stage: versions.problem(stage) for stage in (CURRENT, PREVIOUS) if with_stage(staged, stage)}
    known_from = rotation_known_from(staged)
    if as_json:
        show_json(
            {
                "rotating": known_from is not None,
                "known_from": clock.instant(known_from) if known_from else None,
                "versions": [
                    {
                        "id": version.id,
                        "stages": version.stages,
                        "created_at": clock.instant(version.created_at),
                        "age_seconds": int(_age(version).total_seconds()),
                        "problem": _of_stage(version, problems),
                        "last_use": clock.instant(last) if (last := _of_stage(version, uses or {})) else None,
                    }
                    for version in staged
                ],
            }
        )
        return
    show_table(
        ("version", "stages", "created at", "age", "last signed", ""),
        (
            (
                version.id,
                ", ".join(version.stages),
                f"{version.created_at:%Y-%m-%d %H:%M:%S}",
                str(timedelta(seconds=int(_age(version).total_seconds()))),
                _use(uses, stage) if (stage := _accepted_as(version)) else None,
                (problems[stage] or "accepted") if stage else None,
            )
            for version in staged
        ),
    )
    say(_next_step(staged, found.asked.options))


@at_stack
def show(
    where: Where,
    *,
    print_it: Annotated[bool, typer.Option("--yes-print-it", help="Yes, here and now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the current secret, to be registered with WickiePay. Asks first; without a terminal, --yes-print-it."""
    if not print_it:
        if not at_a_terminal():
            raise typer.BadParameter("the secret is printed only with --yes-print-it: a log may keep it.")
        ask("Print the secret on this screen?")
    secret = where.find().secret().current()
    if as_json:
        show_json({"secret": secret})
    else:
        write(f"{secret}\n".encode())


def _given(*, generate: bool, variable: str | None, may_be_piped: bool) -> str:
    """The secret, from where somebody has put it. Raises `CommandError` where there is none that could be one.

    Where it comes through standard input, nobody can answer there: that `may_be_piped` where nothing will be asked.
    """
    if generate and variable is not None:
        raise typer.BadParameter("give one of --generate and --from-env.")
    if generate:
        return generated()
    if variable is not None:
        if variable not in os.environ:
            raise CommandError(f"There is no environment variable {variable}.")
        return checked(os.environ[variable])
    if at_a_terminal():
        return checked(typer.prompt("The secret", hide_input=True, confirmation_prompt="Once more", err=True))
    if not may_be_piped:
        raise CommandError("Standard input is for the secret, and no answer can come from there: say --yes.")
    return checked(sys.stdin.buffer.read())


def _of(versions: SecretVersions, version_id: str) -> Version:
    return next(version for version in versions.staged() if version.id == version_id)


def _age(version: Version) -> timedelta:
    return max(clock.now() - version.created_at, timedelta())


def _accepted_as(version: Version) -> str | None:
    """The stage by which a version is accepted, if it is."""
    return next((stage for stage in (CURRENT, PREVIOUS) if stage in version.stages), None)


def _of_stage[T](version: Version, facts: Mapping[str, T]) -> T | None:
    stage = _accepted_as(version)
    return facts.get(stage) if stage else None


def _last_uses(found: Stack, staged: Sequence[Version]) -> Mapping[str, datetime | None] | None:
    """Stage → when its secret last signed a delivery; no stage, or None for all, where that is not known."""
    if found.deployed is None:  # the emulator counts nothing
        return None
    monitoring = found.parameters.get("Monitoring", "full")  # versions up to 0.1 have no such parameter
    return last_uses(found.client("cloudwatch"), found.name, monitoring, rotation_known_from(staged), clock.now())


def _use(uses: Mapping[str, datetime | None] | None, stage: str) -> str:
    if uses is None or stage not in uses:
        return "not known"
    last = uses[stage]
    return f"{last:%Y-%m-%d %H:%M}" if last else f"none in {PERIOD.days} days"


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _next_step(staged: Sequence[Version], where: str) -> str:
    known_from = rotation_known_from(staged)
    if known_from is None:
        return "One secret is accepted; no rotation is under way."
    if clock.now() < known_from:
        return f"A rotation is under way. Give the new secret to WickiePay after {_time(known_from)}, not before."
    return f"A rotation is under way. Once WickiePay signs with the new secret: wickiepay secret retire{where}"
