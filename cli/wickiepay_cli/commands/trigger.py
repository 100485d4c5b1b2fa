"""`wickiepay trigger`: sends signed deliveries, as the provider would."""

import difflib
import os
import random
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from wickiepay import clock
from wickiepay.signing_secrets import secret_in
from wickiepay_cli import samples, sender, stack
from wickiepay_cli.commands.delivery import deliver
from wickiepay_cli.commands.scenario import play
from wickiepay_cli.composition import STANDARD_INPUT, compose
from wickiepay_cli.display import ask, show_json, show_table
from wickiepay_cli.failure import Failure
from wickiepay_cli.lives import Cast
from wickiepay_cli.options import AsJson, Profile, Region, StackName, Yes
from wickiepay_cli.scenarios import SCENARIOS, STORM
from wickiepay_cli.sender import Sender
from wickiepay_cli.volley import MAX_COUNT, MAX_SENDERS, Size

DEFAULT_COUNT: Final = 100
DEFAULT_SENDERS: Final = 4
"""Of a storm."""

SECRET_VARIABLE: Final = "WICKIEPAY_WEBHOOK_SECRET"

_SCENARIOS: Final = "Scenarios"


def _known(scenario: str | None) -> str | None:
    if scenario is not None and scenario not in SCENARIOS:
        raise typer.BadParameter(f"there is no scenario {scenario}. There are: {', '.join(SCENARIOS)}.")
    return scenario


def _sampled(event: str | None) -> str | None:
    if event is not None and event not in (known := samples.event_types()):
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
        raise typer.BadParameter(f"there is no {file}.")
    return file


def _reachable(url: str | None) -> str | None:
    if url is not None and not sender.is_web_address(url):
        raise typer.BadParameter(f"{url} is no address that begins with http:// or https://.")
    return url


def trigger(  # noqa: PLR0913  options
    context: typer.Context,
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="EVENT",
            help="The type: payment.completed …",
            callback=_sampled,
            autocompletion=samples.event_types,
        ),
    ] = None,
    *,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Instead of EVENT: one of the above.",
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
            help="Deliveries of a storm.",
            show_default=str(DEFAULT_COUNT),
            rich_help_panel=_SCENARIOS,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=0.1,
            help="Deliveries of a storm a second, at the most.",
            show_default="all",
            rich_help_panel=_SCENARIOS,
        ),
    ] = None,
    senders: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_SENDERS,
            help="That send a storm side by side.",
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
            help="Instead of EVENT: a payload of your own, sent as it is; - reads standard input.",
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the events and scenarios, and send nothing.")] = False,
    uuid: Annotated[
        str | None,
        typer.Option(help="The uuid of what it is about.", show_default="a fresh one", callback=_not_empty),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="A field to change: data.displayCurrency.amount=100.00"),
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Change the payload in $VISUAL or $EDITOR first.")] = False,
    scheme: Annotated[Literal["raw", "node", "python"], typer.Option(help="What of the body is signed.")] = "raw",
    secret: Annotated[
        str | None,
        typer.Option(
            envvar=SECRET_VARIABLE, help="What to sign with.", show_default="the stack's", callback=_not_empty
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where to send it.", show_default="the stack's", callback=_reachable)
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often to send it, one after another.")] = 1,
    retries: Annotated[
        bool, typer.Option("--retries", help="Try three times, as the provider does, with growing pauses.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    stack_name: StackName = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Sign deliveries and send them as the provider would: a sample, a payload of your own, or a whole scenario.

    A sample gets a fresh uuid and the present time, unless they are set; its amounts go out as they are spelled.
    Exit code 1 unless each delivery is taken (a 2xx) or, in a scenario, answered as it must be. The scenarios:
    """
    if sum((event is not None, scenario is not None, file is not None, listing)) != 1:
        raise typer.BadParameter("give one of EVENT, for a sample, --scenario, --file and --list.")
    if listing:
        _list(as_json=as_json)
        return
    if scenario is not None and (edit or repeat > 1):
        raise typer.BadParameter("--edit and --repeat go with a single delivery.")
    size = _size(scenario, count, rate, senders)
    if size:
        _refuse_what_is_no_storm(uuid, url)
    if file == STANDARD_INPUT and edit:
        raise typer.BadParameter("the editor needs standard input for itself.", param_hint="--edit")
    changes = assignments or []
    body = None if scenario else compose(event, file, uuid, changes, edit=edit)
    where = None if url else {"--stack": stack_name, "--profile": profile, "--region": region}
    given = None if stack_name and _of_environment(context, "secret") else secret
    url, key = _destination(url, given, stack_name, profile, region)
    if size and where and stack_name and not yes:
        ask(f"Send {size.count} deliveries to the stack {stack_name}?")
    with sender.connection(url) as http:
        to_listener = Sender(http, url, key, scheme, retries)
        if body is not None:
            went_well = deliver(body, repeat, to_listener, as_json=as_json)
        else:
            assert scenario
            cast = Cast.of(scenario, uuid, clock.now(), random.Random(), changes)  # noqa: S311  nothing secret
            went_well = play(scenario, cast, to_listener, size, where, as_json=as_json)
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
        raise typer.BadParameter("a storm is about many of them.", param_hint="--uuid")
    if url is not None and not sender.is_this_machine(url):
        raise typer.BadParameter("a storm goes to this machine, or to a stack's own URL.", param_hint="--url")


def _of_environment(context: typer.Context, name: str) -> bool:
    """Whether an option has its value from there: that is meant for the stack on this machine."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


def _destination(
    url: str | None, secret: str | None, stack_name: str | None, profile: str | None, region: str | None
) -> tuple[str, bytes]:
    """Where to send, and what to sign with: as it was said, else as the stack says."""
    if url is not None and secret is not None:
        return url, secret_in(os.fsencode(secret))
    try:
        found = stack.find(stack_name, profile, region)
    except Failure as error:
        if url is None or stack_name is not None:
            raise
        raise Failure(f"What to sign with is not known: give --secret or {SECRET_VARIABLE}.") from error
    return url or found.output("WebhookUrl"), found.signing_secret() if secret is None else secret_in(
        os.fsencode(secret)
    )


def _list(*, as_json: bool) -> None:
    if as_json:
        scenarios = [{"name": name, "tells": scenario.tells} for name, scenario in SCENARIOS.items()]
        show_json({"events": samples.event_types(), "scenarios": scenarios})
    else:
        show_table(("scenario", "what comes, and how it ends"), ((n, each.tells) for n, each in SCENARIOS.items()))
        show_table(("event",), ((event,) for event in samples.event_types()))
