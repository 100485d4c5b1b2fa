"""`wickiepay trigger`: sends signed deliveries, as the provider would."""

import difflib
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from wickiepay import clock
from wickiepay.signing_secrets import secret_in
from wickiepay_cli.commands.options import (
    SECRET_VARIABLE,
    AsJson,
    Wait,
    Why,
    Yes,
    at_stack,
    confirm_change,
    confirm_sending,
    read_by_a_person,
    tell_of_another_secret,
)
from wickiepay_cli.errors import CommandError
from wickiepay_cli.operations.consent import What
from wickiepay_cli.operations.sending import keep_who, what_comes_of
from wickiepay_cli.output.tables import show_json, show_table, tell
from wickiepay_cli.sending import client, samples
from wickiepay_cli.sending.client import Sender
from wickiepay_cli.sending.compose import STANDARD_INPUT, compose
from wickiepay_cli.sending.load import MAX_COUNT, MAX_SENDERS, Size
from wickiepay_cli.sending.scenario_run import play
from wickiepay_cli.sending.scenarios import SCENARIOS, STORM
from wickiepay_cli.sending.single import deliver
from wickiepay_cli.sending.steps import Cast
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.watching.ending import Waiting, ended_well, show_ends

DEFAULT_COUNT: Final = 100
DEFAULT_SENDERS: Final = 4
"""Of a storm."""

_SCENARIOS: Final = "Scenarios"

Scheme = Literal["raw", "node", "python"]  # Typer takes no `type` apart


def _known(scenario: str | None) -> str | None:
    if scenario is not None and scenario not in SCENARIOS:
        raise typer.BadParameter(f"there is no scenario {scenario}. There are: {', '.join(SCENARIOS)}.")
    return scenario


def _sampled(event: str | None) -> str | None:
    if event is not None and event not in (known := samples.names()):
        alike = difflib.get_close_matches(event, known, n=1)
        way_out = f"did you mean {alike[0]}?" if alike else f"there are: {', '.join(known)}."
        raise typer.BadParameter(f"there is no sample of {event}: {way_out}")
    return event


def _not_empty(text: str | None) -> str | None:
    if text == "":
        raise typer.BadParameter("it is empty.")
    return text


def _there(file: Path | None) -> Path | None:
    # Not by Typer's own means: its `exists` does not know standard input.
    if file is not None and file != STANDARD_INPUT and not file.exists():
        raise typer.BadParameter(f"{file} does not exist.")
    return file


def _reachable(url: str | None) -> str | None:
    if url is not None and not client.is_web_address(url):
        raise typer.BadParameter(f"{url} is not an http:// or https:// address.")
    return url


@at_stack
def trigger(  # noqa: PLR0913  options
    where: Where,
    context: typer.Context,
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="EVENT",
            help="The event type of a sample, such as payment.completed.",
            callback=_sampled,
            autocompletion=samples.names,
        ),
    ] = None,
    *,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Send this scenario instead of EVENT: one of the above.",
            callback=_known,
            autocompletion=lambda: list(SCENARIOS),
            rich_help_panel=_SCENARIOS,
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="The number of deliveries in a storm.",
            show_default=str(DEFAULT_COUNT),
            rich_help_panel=_SCENARIOS,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=0.1,
            help="In a storm, at most N deliveries a second.",
            show_default="all",
            rich_help_panel=_SCENARIOS,
        ),
    ] = None,
    senders: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_SENDERS,
            help="The number of parallel senders in a storm.",
            show_default=str(DEFAULT_SENDERS),
            rich_help_panel=_SCENARIOS,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            readable=True,
            callback=_there,
            help="Send your own payload from this file instead of EVENT, as it is; - reads standard input.",
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the events and scenarios, and send nothing.")] = False,
    uuid: Annotated[
        str | None,
        typer.Option(help="The uuid of the payment or other resource.", show_default="a new one", callback=_not_empty),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="A field to change, such as data.displayCurrency.amount=100.00"
        ),
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Change the payload in $VISUAL or $EDITOR first.")] = False,
    scheme: Annotated[Scheme, typer.Option(help="The form of the body that is signed.")] = "raw",
    secret: Annotated[
        str | None,
        typer.Option(
            envvar=SECRET_VARIABLE, help="The secret to sign with.", show_default="the stack's", callback=_not_empty
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The URL to send it to.", show_default="the stack's", callback=_reachable)
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How many times to send it, one after another.")] = 1,
    retries: Annotated[
        bool, typer.Option("--retries", help="Try at most three times, with growing pauses, as the provider does.")
    ] = False,
    why: Why = "",
    wait: Wait = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Sign deliveries and send them as the provider would: a sample, a payload of your own, or a whole scenario.

    A sample gets a new uuid and the current time, unless they are set. Its amounts are sent exactly as written. Exit
    code 1 unless each delivery is accepted (a 2xx) and, if it is waited for, ends well. In a scenario, exit code 1
    unless each answer is as expected. The scenarios:
    """
    if sum((event is not None, scenario is not None, file is not None, listing)) != 1:
        raise typer.BadParameter("give exactly one of EVENT (a sample), --scenario, --file and --list.")
    if listing:
        _list(as_json=as_json)
        return
    if scenario is not None and (edit or repeat > 1):
        raise typer.BadParameter("--edit and --repeat go with a single delivery.")
    if wait and (scenario is not None or url is not None):
        raise typer.BadParameter("it goes with a single delivery to a stack.", param_hint="--wait")
    size = _size(scenario, count, rate, senders)
    of_environment = _of_environment(context, "secret")
    given = None if where.name and of_environment else secret
    how = _How(url, given, where, scheme, retries, why, of_environment)
    changes = assignments or []
    if scenario is not None:
        if size:
            _refuse_what_is_no_storm(uuid, url)
        went_well = _play_scenario(scenario, uuid, changes, size, how, yes=yes, as_json=as_json)
    else:
        if file == STANDARD_INPUT and edit:
            raise typer.BadParameter("the editor needs standard input for itself.", param_hint="--edit")
        body = compose(event, file, uuid, changes, edit=edit)
        went_well = _send_event(body, repeat, how, wait=wait, yes=yes, as_json=as_json)
    if not went_well:
        raise typer.Exit(1)


trigger.__doc__ = f"{trigger.__doc__}\n" + "\n".join(f"{name:<24}{each.tells}" for name, each in SCENARIOS.items())


def _size(scenario: str | None, count: int | None, rate: float | None, senders: int | None) -> Size | None:
    """That of a storm; None for anything else, which has a size of its own."""
    if scenario == STORM:
        return Size(count or DEFAULT_COUNT, rate, senders or DEFAULT_SENDERS)
    if count or rate or senders:
        raise typer.BadParameter(f"--count, --rate and --senders go with --scenario {STORM}.")
    return None


def _refuse_what_is_no_storm(uuid: str | None, url: str | None) -> None:
    if uuid is not None:
        raise typer.BadParameter("a storm has many uuids.", param_hint="--uuid")
    if url is not None and not client.is_this_machine(url):
        raise typer.BadParameter(
            "a storm can only be sent to this machine or to a stack's own URL.", param_hint="--url"
        )


def _of_environment(context: typer.Context, name: str) -> bool:
    """Whether an option has its value from there: that is meant for the stack on this machine."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


@dataclass(frozen=True, slots=True)
class _How:
    """How to send, as the command line has it: what it leaves open, the stack says."""

    url: str | None
    secret: str | None
    where: Where
    scheme: Scheme
    retries: bool
    why: str = ""
    of_environment: bool = False

    def destination(self) -> tuple[str, bytes, Stack | None]:
        """The URL, the secret, and the stack that was asked, or None if none had to be."""
        given = None if self.secret is None else secret_in(os.fsencode(self.secret))
        if self.url is not None and given is not None and self.where.name is None:
            return self.url, given, None
        try:
            found = self.where.find()
        except CommandError as error:
            if self.url is None or self.where.name is not None:
                raise
            raise CommandError(f"There is no secret to sign with: give --secret or set {SECRET_VARIABLE}.") from error
        if given is not None and self.of_environment and self.url is None:
            tell_of_another_secret(found, given)
        return self.url or found.output("WebhookUrl"), found.signing_secret() if given is None else given, found

    @contextmanager
    def sender(self, url: str, key: bytes) -> Iterator[Sender]:
        with client.connection(url) as http:
            yield Sender(http, url, key, self.scheme, self.retries)


def _send_event(  # noqa: PLR0913  what trigger was told
    body: bytes, repeat: int, how: _How, *, wait: bool | None, yes: bool, as_json: bool
) -> bool:
    """Sends one event; says whether it was taken each time, and ended well if that is waited for."""
    url, key, found = how.destination()
    _confirm(found, url, lambda: what_comes_of([body], how.scheme, found), yes=yes)
    waits = found is not None and how.url is None and read_by_a_person(said=wait)
    waiting = Waiting(found.events(), asked=wait is True) if found and waits else None
    with how.sender(url, key) as sender:
        taken, ends = deliver(body, repeat, sender, waiting, as_json=as_json)
    if found:
        _keep_who([body], how, found)
    if not as_json:
        show_ends(ends)
    return taken and ended_well(ends)


def _play_scenario(  # noqa: PLR0913  what trigger was told
    name: str, uuid: str | None, changes: Sequence[str], size: Size | None, how: _How, *, yes: bool, as_json: bool
) -> bool:
    """Sends a scenario; says whether each delivery was answered as it must be."""
    url, key, found = how.destination()
    cast = Cast.of(name, uuid, clock.now(), random.Random(), changes)  # noqa: S311  nothing secret
    _confirm(found, url, lambda: _in_all(name, cast, size, how.scheme, found), yes=yes)
    with how.sender(url, key) as sender:
        went_well = play(name, cast, sender, size, None if how.url else how.where.options, as_json=as_json)
    if found and not size:
        _keep_who((step.body for step in SCENARIOS[name].steps(cast)), how, found)
    return went_well


def _confirm(found: Stack | None, url: str, what: What, *, yes: bool) -> None:
    """Asks if that changes a deployed stack, also where only its URL and its secret were given."""
    if found:
        confirm_change(found, what, yes=yes)
    elif not client.is_this_machine(url):
        confirm_sending(url, what, yes=yes)


def _keep_who(bodies: Iterable[bytes], how: _How, found: Stack) -> None:
    if unkept := keep_who(bodies, how.scheme, how.why, found):
        tell(unkept)


def _in_all(name: str, cast: Cast, size: Size | None, scheme: Scheme, found: Stack | None) -> str | None:
    """What a scenario would do."""
    if size:
        return f"send {size.count} deliveries, which credit accounts and mark orders as paid"
    steps = SCENARIOS[name].steps(cast)
    return what_comes_of((step.body for step in steps if step.takes_effect), scheme, found)


def _list(*, as_json: bool) -> None:
    if as_json:
        scenarios = [{"name": name, "tells": scenario.tells} for name, scenario in SCENARIOS.items()]
        show_json({"events": samples.names(), "scenarios": scenarios})
    else:
        show_table(("scenario", "what is sent, and how it ends"), ((n, each.tells) for n, each in SCENARIOS.items()))
        show_table(("event",), ((event,) for event in samples.names()))
