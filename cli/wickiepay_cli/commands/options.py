"""The options that several commands share."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import wraps
from itertools import chain, starmap
from typing import Annotated, Any, Concatenate, Final

import typer

from wickiepay import clock
from wickiepay.event_record import State
from wickiepay_cli.commands import completions
from wickiepay_cli.operations.consent import What, would, would_at
from wickiepay_cli.output.tables import ask, ask_for, at_a_terminal, tell
from wickiepay_cli.sending.samples import event_types
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store import filters
from wickiepay_cli.store.event_records import AHEAD

_WHERE = "Where the stack is"

_STACK_OPTIONS: Final = {
    "stack_name": ("--stack", "The deployed stack to use. Without it, the local one is used.", completions.stacks),
    "profile": ("--profile", "The AWS profile to find --stack with.", completions.profiles),
    "region": ("--region", "The AWS region to find --stack in.", None),
}
SECRET_VARIABLE: Final = "WICKIEPAY_WEBHOOK_SECRET"

LIMIT_FOR_PEOPLE: Final = 50
"""How many are listed at a terminal, unless somebody says how many."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="List at most this many.", show_default=f"{LIMIT_FOR_PEOPLE}; all with --json")
]

MAX_WHY_CHARACTERS: Final = 500
"""Ten reasons are kept beside a body of 256 KiB, and an item of the event table holds 400 KB."""


def moment(text: str) -> datetime:
    """An instant as a person says it: see `wickiepay_cli.store.filters`."""
    try:
        return filters.moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def several(known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings of an option that can be repeated, and takes several values with commas between them.

    With `known`, a value is looked up there in upper case, and any other value is refused.
    """

    def split(text: str) -> list[Any]:
        words = [word.strip() for word in text.split(",")]
        if not all(words):
            raise typer.BadParameter(f'"{text}" has an empty value.')
        if known is None:
            return words
        if unknown := [word for word in words if word.upper() not in known]:
            raise typer.BadParameter(f"{', '.join(unknown)}: it must be one of {', '.join(known)}.")
        return [known[word.upper()] for word in words]

    def join(values: Sequence[list[Any]] | None) -> list[Any] | None:
        return list(dict.fromkeys(chain.from_iterable(values))) if values else None

    return {"parser": split, "callback": join}


def _reason(text: str) -> str:
    if len(text) > MAX_WHY_CHARACTERS:
        raise typer.BadParameter(f"a reason has at most {MAX_WHY_CHARACTERS} characters.")
    return text.encode(errors="replace").decode()  # a terminal can hand over what is no text


Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the record.", callback=_reason)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")]
Rate = Annotated[
    float | None, typer.Option("--rate", metavar="N", min=0.1, help="At most N a second.", show_default="all")
]
Wait = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Wait at most a minute, and print how it ended. Exit code 1 if it is FAILED or not finished.",
        show_default="at a terminal",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before changing a deployed stack.")]


WHICH: Final = "Which events"
"""The help's heading for the options that choose events."""

SEVERAL: Final = "Repeat the option or use commas for several."


def _offered_types(incomplete: str) -> list[str]:
    return completions.of_words(*event_types())(incomplete)  # the samples are looked for only at a TAB


OfTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        **several(),
        metavar="TYPE",
        help=f"Only events of this type or pattern (payment.*). {SEVERAL}",
        autocompletion=_offered_types,
        rich_help_panel=WHICH,
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        parser=moment,
        metavar="TIME",
        help="Only events received at this time or later: 2026-01-15T10:00, yesterday, or 2h, 3d ago.",
        show_default="the first event",
        rich_help_panel=WHICH,
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        parser=moment,
        metavar="TIME",
        help="Only events received at this time or earlier.",
        show_default="now",
        rich_help_panel=WHICH,
    ),
]
InStates = Annotated[
    list[State] | None,
    typer.Option(
        "--state",
        **several(State.__members__),
        metavar="STATE",
        help=f"Only events in this state: {', '.join(State)}. {SEVERAL}",
        autocompletion=completions.of_words(*State),
        rich_help_panel=WHICH,
    ),
]
OfUuid = Annotated[
    str | None,
    typer.Option("--uuid", help="Only events of this uuid.", autocompletion=completions.uuids, rich_help_panel=WHICH),
]
Reference = Annotated[
    str | None,
    typer.Option(help="Only events with this reference in their data. Reads each body.", rich_help_panel=WHICH),
]
Containing = Annotated[
    str | None,
    typer.Option("--text", help="Only events whose body contains this text (any case).", rich_help_panel=WHICH),
]


def tell_of_more(rest: Iterator[object], limit: int) -> None:
    """Says so if there are more than the `limit` that was listed."""
    if next(rest, None):
        tell(f"There are more than these {limit}. To see more: --limit {limit * 10}")


def refuse_backwards(since: datetime | None, until: datetime | None) -> None:
    """Raises `typer.BadParameter` for a time that ends before it begins; without an `until`, that is soon after now."""
    last = until or clock.now() + AHEAD
    if since and since > last:
        end = f"--until, {last:%Y-%m-%d %H:%M:%S} UTC" if until else "now"
        raise typer.BadParameter(f"it begins at {since:%Y-%m-%d %H:%M:%S} UTC, later than {end}.", param_hint="--since")


def at_stack(command: Callable[Concatenate[Where, ...], None]) -> Callable[..., None]:
    """Adds --stack, --profile and --region to a command, which is handed what they say as its first argument.

    This is for a command that may need no stack, or that looks at its other options first.
    """

    @wraps(command)
    def handed(**options: Any) -> None:  # noqa: ANN401  Typer knows their types
        command(Where(*(options.pop(name) for name in _STACK_OPTIONS)), **options)

    signature = inspect.signature(command)
    _, *own = signature.parameters.values()
    parameters = [*own, *starmap(_stack_option, _STACK_OPTIONS.items())]
    handed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # Typer reads both
    handed.__annotations__ = {each.name: each.annotation for each in parameters}
    return handed


def on_stack(command: Callable[Concatenate[Stack, ...], None]) -> Callable[..., None]:
    """Adds the same options to a command, which is handed the stack itself."""

    @wraps(command)
    def handed(where: Where, **options: Any) -> None:  # noqa: ANN401  Typer knows their types
        command(where.find(), **options)

    return at_stack(handed)


def _stack_option(name: str, option: tuple[str, str, Callable[..., list[str]] | None]) -> inspect.Parameter:
    flag, text, completion = option
    settings: Any = {"metavar": "NAME", "help": text, "rich_help_panel": _WHERE, "autocompletion": completion}
    annotation = Annotated[str | None, typer.Option(flag, **settings)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def read_by_a_person(*, said: bool | None = None) -> bool:
    """The option's value or, if it was not given, whether a person reads the result."""
    return sys.stdout.isatty() if said is None else said


def tell_of_another_secret(stack: Stack, secret: bytes) -> None:
    """Says so if `secret`, from the environment, is not that of the stack on this machine."""
    if stack.signing_secret() != secret:
        tell(f"{SECRET_VARIABLE} is not the secret of the stack that is running here, which refuses it: unset it.")


def confirm_change(stack: Stack, what: What, *, yes: bool) -> None:
    """Asks before a deployed stack is changed, unless --yes was given; in production, its name has to be typed.

    Raises `typer.BadParameter` if nobody can answer.
    """
    if not yes:
        _confirm(would(stack, what), stack.deployed if stack.is_production else None)


def confirm_sending(url: str, what: What, *, yes: bool) -> None:
    """The same before something is sent to a URL of which nothing is known: it may be a deployed stack's."""
    if not yes:
        _confirm(would_at(f"At {url}", what), None)


def _confirm(told: str | None, name: str | None) -> None:
    """Asks whether to do what is `told`, if anything; with a `name`, of a production stack, it has to be typed."""
    if told is None:
        return
    if not at_a_terminal():
        raise typer.BadParameter(f"{told} There is no terminal to ask at: if you mean it, give --yes.")
    if name:
        ask_for(name, f"{told} It is production. To go on, type the stack's name")
    else:
        ask(f"{told} Go on?")
