"""Every command, as it is installed: in JSON for programs, and at terminals of two widths for people.

What each command does has tests of its own; here each only has to work where its users are, on the local stack and on a
deployed one alike.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

import pytest
import typer
from rich.cells import cell_len

from tests.support.in_a_pipe import in_a_pipe
from tests.support.installed import COMMAND, Installed
from wickiepay import clock
from wickiepay.delivery import Delivery
from wickiepay.identity import Identity
from wickiepay.queue import Message, encode
from wickiepay_cli.app import app
from wickiepay_cli.console import server
from wickiepay_cli.console.desk import Desk
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.operations.provider import create_key
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET, PROJECT
from wickiepay_cli.simulator.portal import CLIENT_ID, beside_a_stack, key_in
from wickiepay_cli.simulator.provider import Provider
from wickiepay_cli.stacks.stack import of_local
from wickiepay_cli.watching.exchange import Exchange
from wickiepay_cli.watching.exchanges import Exchanges
from wickiepay_cli.watching.feed import Feed

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

DEPLOYED: Final = ("--stack", "wickiepay-local")
"""The same stack as a deployed one."""

COMMANDS: Final[dict[str, list[str]]] = {
    "trigger": ["payment.completed", "--set", "data.reference=order-1"],
    "trigger --scenario": ["paid"],
    "doctor": [],
    "stats": ["--since", "1h"],
    "init": ["invoice.paid", "--dry-run"],
    "stacks": [],
    "open": ["tables", "--print", *DEPLOYED],
    "verify": ["--body", "{sample}", "--signature", "{signature}"],
    "console": ["--print"],
    "requests list": [],
    "requests show": ["1"],
    "requests verify": ["1"],
    "requests resend": ["1"],
    "events list": ["--since", "1h"],
    "events show": ["{uuid}"],
    "events export": ["--output", "{file}", "--force"],
    "events replay": ["{uuid}", "--dry-run"],
    "events accept": ["{conflicting}", "--second-credit", "--why", "They paid twice."],
    "events dismiss": ["{doubtful}", "--why", "It was sent by mistake."],
    "announcements list": [],
    "announcements show": ["{uuid}"],
    "announcements match": ["--pattern", "{pattern}"],
    "env": [],
    "local deploy": ["{subscriber}"],
    "reconcile events": ["--since", "1h"],
    "reconcile dismiss": ["1b4e28ba-2fa1-4d2b-883f-0016d3cca427", "--why", "It can never match."],
    "reconcile runs": [],
    "reconcile payments": ["--since", "1h"],
    "payments list": [],
    "payments show": ["order-1"],
    "balances list": [],
    "balances show": ["customer-1"],
    "balances adjust": ["customer-1", "EUR", "1.50", "--why", "One was short."],
    "resources show": ["{deposit}"],
    "dlq list": [],
    "dlq show": ["{letter}"],
    "dlq redrive": ["--all", "--dry-run"],
    "secret set": ["--generate"],
    "secret rotate": ["--generate"],
    "secret retire": ["--force"],
    "secret status": [],
    "secret show": ["--yes-print-it"],
    "provider key status": [],
    "provider key show-public": [],
    "provider key create": [],
    "provider destinations add": ["--events", "payment.*"],
    "provider destinations list": [],
    "provider destinations update": ["{destination}", "--secret"],
    "provider destinations remove": ["{destination}"],
}
"""An example of each command, in an order in which they work; what stands in braces is filled in."""

WITHOUT_END: Final = {"listen", "events tail", "announcements tail", "provider simulate"}
"""These run until Ctrl-C: see test_listen.py, test_provider.py, and below."""

ABOUT_COMMANDS: Final = {"help", "version"}
"""These print what --help and --version do."""

NOWHERE: Final = {
    "init",
    "local deploy",
    "stacks",
    "open",
    "console",
    "requests show",
    "requests verify",
    "requests resend",
}
"""These are about no single stack, or about the local one always or never; on a deployed one, `console` has no end."""

ASKS: Final = {
    *("trigger", "trigger --scenario", "events accept", "events dismiss", "balances adjust", "dlq redrive"),
    "reconcile dismiss",
    *("secret set", "secret rotate", "secret retire", "provider key create"),
    *("provider destinations add", "provider destinations update", "provider destinations remove"),
}
"""These ask before they change a deployed stack."""


@dataclass(frozen=True, slots=True)
class Examples:
    """The command on a stack where something of everything has happened; `known` is what the examples name."""

    wickiepay: Installed
    known: dict[str, str]
    provider: Provider

    def example(self, command: str, *, deployed: bool) -> list[str]:
        """The command's example, whole, on the local stack or on the same as a deployed one."""
        self._register(command != "provider destinations add")
        words = [*command.split(), *(word.format(**self.known) for word in COMMANDS[command])]
        if not deployed or command in NOWHERE:
            return words
        return [*words, *DEPLOYED, *(["--yes"] if command in ASKS else [])]

    def _register(self, is_there: bool) -> None:
        """Has the provider know the stack as its only destination, or none."""
        self.provider.destinations.clear()
        url = self.wickiepay.stack.webhook_url
        self.known["destination"] = self.provider.register(url, ["nothing.*"], "", b"").id if is_there else "none"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examples]:
    folder = tmp_path_factory.mktemp("commands")
    feed, exchanges = Feed(), Exchanges()

    def seen(exchange: Exchange) -> None:
        exchanges.arrived(exchange, feed, clock.now())

    with (
        beside_a_stack() as portal,
        running_stack(folder, 0, DEFAULT_SIGNING_SECRET, seen, portal.parameters) as running,
        server.serving(Desk(of_local(running.stack), feed, exchanges)) as address,
        server.noted(address, folder),
    ):
        portal.keys[CLIENT_ID] = key_in(create_key(of_local(running.stack)).encode())
        wickiepay = Installed(folder, running.stack)
        known = {**_happened(wickiepay), "file": str(folder / "events.jsonl")}
        yield Examples(wickiepay, known, portal.provider)


def _happened(wickiepay: Installed) -> dict[str, str]:
    wickiepay("trigger", "payment.completed", "--secret", "of another merchant")  # the first request, which is refused
    paid = wickiepay.answer("trigger", "payment.completed", "--set", "data.reference=order-1")
    wickiepay.answer("trigger", "channel.payment.confirmed", "--set", "data.reference=customer-1")
    deposit = wickiepay.answer("trigger", "deposit.status_change")
    conflicting, doubtful = (wickiepay.answer("trigger", "--scenario", "conflict")["uuid"] for _ in range(2))
    event = Delivery(b'{"event": "audit.api", "data": {}}', "raw", clock.instant(clock.now()), "192.0.2.1", "request")
    letter = encode(Message(Identity("dead-1", "audit.api"), event))
    queue = wickiepay.stack.outputs["DeadLetterQueueUrl"]
    sent = wickiepay.stack.client("sqs").send_message(QueueUrl=queue, MessageBody=letter)
    return {
        "uuid": paid["uuid"],
        "conflicting": conflicting,
        "doubtful": doubtful,
        "deposit": deposit["uuid"],
        "letter": sent["MessageId"],
        "sample": str(PROJECT / "events/payloads/payment.completed.json"),
        "signature": "0" * 64,
        "pattern": str(PROJECT / "docs/examples/completed-payments.json"),
        "subscriber": str(PROJECT / "examples/subscriber"),
    }


def _names(command: Any, *path: str) -> Iterator[str]:  # noqa: ANN401  Typer's own click has no types to name
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        if not command.hidden:
            yield " ".join(path)
        return
    for name, subcommand in subcommands.items():
        yield from _names(subcommand, *path, name)


def test_no_command_is_forgotten() -> None:
    tried = {*COMMANDS, *WITHOUT_END, *ABOUT_COMMANDS} - {"trigger --scenario"}
    assert tried == set(_names(typer.main.get_command(app)))


EXIT: Final = dict.fromkeys(("verify", "requests verify", "requests resend"), 1)
"""Where the example ends in a finding: the signature is wrong."""

A_TABLE: Final = re.compile(r"\S {2,}\S|[━─│]")
"""Tells a line that has columns, or is drawn, from a sentence: how to break that is left to the terminal."""


@pytest.mark.parametrize("command", COMMANDS)
def test_programs_get_json_and_nothing_else(command: str, examples: Examples) -> None:
    done = examples.wickiepay(*examples.example(command, deployed=True), "--json")
    json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (EXIT.get(command, 0), "")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("columns", "deployed"), [(80, False), (160, True)], ids=["80", "160"])
def test_people_get_text_that_fits_their_terminal(
    columns: int, deployed: bool, command: str, examples: Examples
) -> None:
    code, shown = examples.wickiepay.at_a_terminal(columns, *examples.example(command, deployed=deployed))
    assert code == EXIT.get(command, 0), shown
    assert [line for line in shown.lines if cell_len(line.rstrip()) > columns and A_TABLE.search(line)] == []
    assert not any("…" in line for line in shown.lines)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("events l", {"list"}),
        ("trigger payment.c", {"payment.cancelled", "payment.completed", "payment.created"}),
        ("trigger --scenario pa", {"paid", "payout"}),
        ("stats --type deposit", {"deposit.status_change"}),
    ],
)
def test_a_shell_completes_what_is_typed(typed: str, completed: set[str], examples: Examples) -> None:
    words = ["wickiepay", *typed.split()]
    done = examples.wickiepay(
        _WICKIEPAY_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=str(len(words) - 1)
    )
    assert set(done.stdout.split()) == completed


@pytest.mark.parametrize("where", [(), DEPLOYED], ids=["local", "deployed"])
@pytest.mark.parametrize("words", [("events", "tail"), ("announcements", "tail", "--yes")], ids=" ".join)
def test_what_arrives_is_told_until_ctrl_c(words: tuple[str, ...], where: tuple[str, ...], examples: Examples) -> None:
    tail = [str(COMMAND), *words, "--json", *where]
    sent: list[str] = []
    with in_a_pipe(tail, examples.wickiepay.environment) as running:
        with ThreadPoolExecutor(1) as reader:
            line = reader.submit(running.line_with)
            while not line.done():  # it tells what arrives from some moment on
                sent.append(examples.wickiepay.answer("trigger", "audit.api")["uuid"])
                wait([line], timeout=1)
        assert running.ended().code == 0
    assert json.loads(line.result())["uuid"] in sent
