"""`wickiepay local`: stacks of the user's own beside the local one."""

from pathlib import Path
from typing import Annotated

import typer

from wickiepay_cli.commands.options import AsJson
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import say, show_json, show_table
from wickiepay_cli.stacks import local_stack


def _values(pairs: list[str] | None) -> dict[str, str]:
    values = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f'"{pair}" is not NAME=VALUE.', param_hint="--parameter")
        values[name] = value
    return values


def deploy(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="The folder of a SAM application: its template.yaml.", exists=True, file_okay=False
        ),
    ],
    *,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The stack's name.", show_default="the folder's name")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="NAME=VALUE",
            help="A value for a parameter of the template. Repeat the option for several.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Deploy a SAM application beside the local stack, or deploy it again after a change.

    A parameter named like an output or a parameter of the listener's stack has its value: EventBusName,
    LedgerTableName. What the functions' requirements.txt name is installed only if the local stack does not have it.
    The application is gone when the local stack stops.
    """
    values = _values(parameters)
    local = local_stack.read(local_stack.state_folder())
    if local is None:
        raise CommandError("No local stack is running: start one with make run, or deploy to an account by sam deploy.")
    try:
        from wickiepay_cli.local.beside import deploy_beside  # noqa: PLC0415  as in wickiepay_cli.local.run
    except ModuleNotFoundError as error:
        raise CommandError(f"This needs {error.name}: install wickiepay-webhook-listener[local].") from error
    stack = name or folder.absolute().name
    outputs = deploy_beside(local, folder, stack, values)
    if as_json:
        show_json({"stack": stack, "outputs": outputs})
        return
    say(f"Deployed beside {local.stack_name}: {stack}")
    if outputs:
        show_table(("output", "value"), outputs.items())
