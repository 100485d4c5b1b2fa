"""Commands that are imported when they are named. Until then only their summary is known, for lists."""

from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from typing import Any, override

import typer
from typer.core import TyperCommand

from wickiepay_cli.command_classes import Command
from wickiepay_cli.interrupts import starting

type Function = Callable[..., None]


def loader(where: str) -> Callable[[], Function]:
    """A function that, when called, imports and returns the one at `where` (`module:function`)."""

    def load() -> Function:
        module, _, name = where.partition(":")
        with starting():
            function: Function = getattr(import_module(module), name)
        return function

    return load


class Later(TyperCommand):
    """A placeholder for a command until it is named. Its callback imports the command's function."""

    @cached_property
    def _command(self) -> Any:  # noqa: ANN401  Typer's own copy of click has no public types
        assert self.callback
        alone = typer.Typer(add_completion=False)
        settings = dict(self.context_settings)
        alone.command(self.name, cls=Command, epilog=self.epilog, context_settings=settings)(self.callback())
        return typer.main.get_command(alone)

    @override
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The first step of running or completing a command. It hands over to the real command."""
        return self._command.make_context(info_name, args, parent, **extra)
