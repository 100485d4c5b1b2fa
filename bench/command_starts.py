"""The instructions that the command `wickiepay` takes to start, as a multiple of a bare Typer app's."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, override

from bench import callgrind
from bench.gate import Compared
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.local_stack import LocalStack

BARE: Final = '''\
from typing import Annotated
import typer
app = typer.Typer()
def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo("bare 1.0")
        raise typer.Exit
@app.callback()
def bare(version: Annotated[bool, typer.Option("--version", is_eager=True, callback=show_version)] = False) -> None:
    """Do next to nothing."""
@app.command()
def one() -> None:
    """Do one thing."""
@app.command()
def two() -> None:
    """Do another thing."""
app(prog_name="bare")
'''
STARTS: Final = {
    "--help": (("--help",), {}),
    "--version": (("--version",), {}),
    "a TAB": ((), {"_BARE_COMPLETE": "complete_bash", "_WICKIEPAY_COMPLETE": "complete_bash", "COMP_CWORD": "1"}),
}
"""The arguments and the environment of each start."""

LIMIT: Final = 1.5
LIST_LIMIT: Final = 2.5
"""Of `events list`, by the bare app's --help: 0.45 seconds of CPU where that takes 0.18."""


def command_starts(scratch: Path) -> Iterator[Compared]:
    """How often the bare app's instructions the command takes, beside the most that it may."""
    scratch.mkdir(parents=True)
    script = scratch / "bare"
    script.write_text(BARE)
    bare, command = [sys.executable, str(script)], [sys.executable, str(Path(sys.executable).with_name("wickiepay"))]
    counts = {}
    for name, (arguments, variables) in STARTS.items():
        words = {"COMP_WORDS": "command "} if variables else {}
        counts[name] = _count([*bare, *arguments], scratch, {**variables, **words})
        ours = _count([*command, *arguments], scratch, {**variables, **words})
        yield Compared(f"wickiepay {name}, by a bare Typer app's", LIMIT, ours / counts[name], LIMIT)
    with _empty_stack(scratch):
        listed = _count([*command, "events", "list", "--since", "1h"], scratch, {"WICKIEPAY_LOCAL": str(scratch)})
    name = "wickiepay events list, by a bare Typer app's --help"
    yield Compared(name, LIST_LIMIT, listed / counts["--help"], LIST_LIMIT)


def _count(command: list[str], scratch: Path, variables: dict[str, str]) -> int:
    """Instructions of a second run, because the first one leaves the bytecode that every later one finds."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "PYTHONHASHSEED": "0",
        "PYTHONPYCACHEPREFIX": str(scratch / "bytecode"),
        **variables,
    }
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
    return sum(callgrind.count(command, environment, scratch))


class _Nothing(BaseHTTPRequestHandler):
    """A table without items."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = b'{"Items": [], "Count": 0, "ScannedCount": 0}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Tells nothing."""


@contextmanager
def _empty_stack(folder: Path) -> Iterator[None]:
    """A local stack with nothing in it, as far as a command can tell that lists its events."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Nothing) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        outputs = {"EventTableName": "events"}
        local_stack.write(LocalStack(url, Access.anew(url), "us-east-1", "empty", outputs, os.getpid()), folder)
        yield
        server.shutdown()
