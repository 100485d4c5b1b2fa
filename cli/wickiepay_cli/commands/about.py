"""`wickiepay help` and `version`: what --help and --version say, for those who try words first."""

from typing import Annotated, Any

import typer


def help_of(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="For example: events list")] = None,
) -> None:
    """Show the help of a command, or the list of commands."""
    _run(context, *(words or []), "--help")


def version(context: typer.Context) -> None:
    """Show the version."""
    _run(context, "--version")


def _run(context: typer.Context, *arguments: str) -> None:
    root: Any = context.find_root()
    root.command.main(arguments, prog_name=root.info_name)
