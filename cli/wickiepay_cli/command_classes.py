"""Typer's classes of commands and groups, with what this command wants otherwise."""

import inspect
from collections import Counter
from typing import Any, override

import typer
from typer.core import TyperCommand, TyperGroup


class _Described:
    """Describes options in the order in which they are named, and flags without a type."""

    def get_help_option_names(self, ctx: Any) -> list[str]:  # noqa: ANN401  Typer's own copy of click has no public types
        return list(ctx.help_option_names)  # Typer's own are in no order

    def get_params(self, ctx: Any) -> Any:  # noqa: ANN401  as above
        params = super().get_params(ctx)  # type: ignore[misc]  # of the class beside this one
        for each in params:
            if getattr(each, "is_flag", False):
                each.metavar = ""
        return params


class Command(_Described, TyperCommand):
    """A command that refuses an option which is given twice but counts once. Typer would take the last one."""

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help, its paragraphs as wide as the terminal. Typer would keep the lines of the docstring."""
        paragraphs = inspect.cleandoc(self.help or "").split("\n\n")
        self.help = "\n\n".join(each if "  " in each else each.replace("\n", " ") for each in paragraphs)  # no columns
        super().format_help(ctx, formatter)

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=[*args])
            twice: list[Any] = [each for each, times in Counter(given).items() if times > 1]
            for each in twice:
                if each.param_type_name == "option" and not (each.multiple or each.is_flag):
                    raise typer.BadParameter("it is given twice, and counts once.", ctx=ctx, param=each)
        return super().parse_args(ctx, args)


class Group(_Described, TyperGroup):
    """A group of commands."""
