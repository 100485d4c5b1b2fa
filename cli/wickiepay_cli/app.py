"""The command `wickiepay`: the tree of its commands, and how it ends."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.exceptions import TyperException

from wickiepay_cli.command_classes import Command, Group
from wickiepay_cli.interrupts import INTERRUPTED
from wickiepay_cli.lazy_commands import Later, loader

GROUPS: Final = {
    "requests": "The requests and answers at the local stack's front door, also refused ones.",
    "events": "The deliveries on record, and what became of them.",
    "announcements": "What the stack announced on its event bus, for subscribers.",
    "payments": "Payments, and the orders that they pay.",
    "balances": "Accounts that are credited by payments into channels.",
    "resources": "Deposits, withdrawals, conversions and everything else that is not a payment.",
    "dlq": "Messages that the consumer gave up on after about a day of tries.",
    "local": "Your own stacks beside the local one.",
    "secret": "The secret that WickiePay signs with. It is never given as an argument, because shells keep a history.",
    "reconcile": "What WickiePay lists, against what is on record here: is anything missing?",
    "provider": "WickiePay's API: the key to it, the destinations of events, and a provider to try things with.",
    "provider key": "The RSA key that requests to WickiePay's API are signed with. The private key is never shown.",
    "provider destinations": "Where WickiePay sends events.",
}

COMMANDS: Final[Sequence[tuple[str, ...]]] = (
    (
        "listen",
        "listen:listen",
        "Run the stack in an AWS emulator until Ctrl-C and show deliveries as they arrive. Nothing is kept afterwards.",
        "--port 3001",
        "--forward-to http://127.0.0.1:8000/wickiepay",
        "--stack prod --json",
    ),
    (
        "console",
        "console:console",
        "Serve the console of a deployed stack on this machine until Ctrl-C, or print the local one's address.",
        "--stack prod",
    ),
    (
        "trigger",
        "trigger:trigger",
        "Sign deliveries and send them as the provider would: a sample, a payload of your own, or a whole scenario.",
        "payment.completed --set data.reference=order-7",
        "--scenario underpaid-then-accepted",
        "--scenario storm --count 500 --rate 20",
    ),
    (
        "doctor",
        "doctor:doctor",
        "Check the tables: do the books add up? Exit code 1 if not.",
        "--repair",
    ),
    (
        "stats",
        "stats:stats",
        "Count events by outcome, type and time, and show how long they took from receipt to PROCESSED.",
        "--since 30d --by day --type 'payment.*'",
    ),
    (
        "init",
        "init:init",
        "Write a first handler for a new event type into this checkout, or a subscriber into a folder of its own.",
        "invoice.paid --dry-run",
        "subscriber order-updates",
    ),
    (
        "stacks",
        "stacks:stacks",
        "Find the deployed listeners and the local one.",
        "--region eu-west-1 --region eu-central-1",
    ),
    (
        "env",
        "env:env",
        "Print what a program needs to talk to the stack: address, region, names of tables, queues and bus.",
        "--format dotenv",
    ),
    (
        "open",
        "open:open_console",
        "Print the AWS console's address for a part of a deployed stack and, at a terminal, open it in the browser.",
        "logs consumer --stack prod",
    ),
    (
        "verify",
        "verify:verify",
        "Check whether a signature is valid, under which scheme and with which secret. If it is not, say why.",
        "--request captured.har",
    ),
    (
        "samples",
        "samples:samples",
        "Rewrite events/ingest, events/consumer and events/relay from the payloads.",
    ),
    (
        "help",
        "about:help_of",
        "Show the help of a command, or the list of commands.",
        "events list",
    ),
    (
        "version",
        "about:version",
        "Show the version.",
    ),
    (
        "requests list",
        "requests:list_requests",
        "List the kept requests, or with --stack the deliveries that a deployed stack refused. The newest come first.",
        "--stack prod --since 2d",
    ),
    (
        "requests show",
        "requests:show",
        "Show both sides of a request: line, headers and body, and the answer. A signature is masked but for its ends.",
        "12 --raw",
    ),
    (
        "requests verify",
        "requests:verify",
        "Say whether the signature of a request is valid, and if not, why. Exit code 1 if it is not.",
        "12",
    ),
    (
        "requests resend",
        "requests:resend",
        "Send a request to the local stack again, with the same bytes and headers. Exit code 1 unless it is accepted.",
        "12",
    ),
    (
        "events list",
        "events.list:list_events",
        "List events, newest first.",
        "--state FAILED --type 'payment.*' --since 2d",
    ),
    (
        "events show",
        "events.show:show",
        "Show the history of a uuid, then each of its events with body and effects.",
        "9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --json",
    ),
    (
        "events tail",
        "events.tail:tail",
        "Show events as they arrive, and their outcomes, until Ctrl-C.",
        "--type 'payment.*' --json",
    ),
    (
        "events export",
        "events.export:export",
        "Write whole events with their bodies, newest first. With --json, print at the end how many there were.",
        "--since 30d --format csv --output events.csv",
    ),
    (
        "events replay",
        "events.replay:replay",
        "Have events processed again. Nothing that they already did is done twice.",
        "--state FAILED --since 2h --type 'payment.*'",
    ),
    (
        "events accept",
        "events.accept:accept",
        "Accept a delivery that differs from the one on record, or a possible second credit, and have it processed.",
        "9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --why TEXT",
    ),
    (
        "events dismiss",
        "events.accept:dismiss",
        "Close a conflict or a possible second credit. What is on record stays as it is, and nothing is sent.",
        "9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --why TEXT",
    ),
    (
        "announcements list",
        "announcements:list_announcements",
        "List what was announced, newest first; with --json, each with its body.",
        "--type 'payment.*' --since 2d",
    ),
    (
        "announcements show",
        "announcements:show",
        "Show what was announced about a uuid, the oldest first, as subscribers got it. Exit code 1 if nothing was.",
        "9204c333-4469-4b29-b7cb-b6c1fb41d1d4",
    ),
    (
        "announcements tail",
        "announcements:tail",
        "Show what is announced from now on, until Ctrl-C.",
        "--type 'payment.*' --json",
    ),
    (
        "announcements match",
        "announcements:match",
        "Say which of the latest announcements a rule with this event pattern would match. Exit code 1 if none.",
        "--pattern pattern.json --latest 20",
    ),
    (
        "payments list",
        "payments:list_payments",
        "List the payments that changed last, newest first. With --csv and no --limit: all, in no particular order.",
        "--order UNDERPAID --since 2d --csv",
    ),
    (
        "payments show",
        "payments:show",
        "Show the payments with a uuid or a reference. Exit code 1 if there are none.",
        "order-1003 --json",
    ),
    (
        "balances list",
        "balances:list_balances",
        "List the accounts that were ever credited, with their balances, in no particular order.",
        "--json",
    ),
    (
        "balances show",
        "balances:show",
        "Show an account's balances and the entries that add up to them. Exit code 1 if there are none.",
        "user-topup-cust-123 --json",
    ),
    (
        "balances adjust",
        "balances:adjust",
        "Add an entry of your own to a balance. Nothing else lowers a balance.",
        "user-topup-cust-123 EUR -10 --why 'credited 100, was 90'",
    ),
    (
        "resources show",
        "resources:show",
        "Show what the ledger keeps of a uuid that is not a payment. Exit code 1 if there is nothing.",
        "9204c333-4469-4b29-b7cb-b6c1fb41d1d4 --json",
    ),
    (
        "dlq list",
        "dlq:list_letters",
        "List the messages and what became of their events. Meanwhile, nobody else sees them.",
        "--json",
    ),
    (
        "dlq show",
        "dlq:show",
        "Show one message in full.",
        "5f3a4c6e-0b1d-4a57-9a5e-2d1d3b0a4c11",
    ),
    (
        "dlq redrive",
        "dlq:redrive",
        "Send messages to the event queue again. Each is deleted here once that queue has accepted it.",
        "--all --rate 5",
    ),
    (
        "local deploy",
        "local:deploy",
        "Deploy a SAM application beside the local stack, or deploy it again after a change.",
        "examples/subscriber --parameter MailFrom=shop@example.com",
    ),
    (
        "secret set",
        "secret:set_secret",
        "Accept only this secret from now on: to set up a stack, or because the current secret has leaked.",
        "--stack prod",
        "--stack prod --yes < secret.txt",
        "--from-env SANDBOX_SECRET",
    ),
    (
        "secret rotate",
        "secret:rotate",
        "Accept a new secret as well as the current one, so that WickiePay can change over and nothing is refused.",
        "--generate --stack prod",
        "--stack prod --yes < new-secret.txt",
    ),
    (
        "secret retire",
        "secret:retire",
        "Stop accepting the previous secret. Deliveries signed with it are refused within five minutes.",
        "--stack prod",
    ),
    (
        "secret status",
        "secret:status",
        "Show which secrets are accepted, since when, and when each last signed a delivery. No secret is ever shown.",
        "--stack prod --json",
    ),
    (
        "secret show",
        "secret:show",
        "Print the current secret, to register it with WickiePay. Asks first; without a terminal, give --yes-print-it.",
        "--yes-print-it --stack sandbox",
    ),
    (
        "reconcile events",
        "reconcile:events",
        "Compare the provider's list of events with those on record. Exit code 1 if something is missing.",
        "--since 30d --stack prod",
        "--since 2d --ask-replay --stack prod",
        "--from events.csv --since 2026-01-01 --until 2026-02-01 --stack prod",
    ),
    (
        "reconcile runs",
        "reconciler:runs",
        "List the runs of the stack's own reconciler, newest first: what was missing, asked for, and came.",
        "--since 2d --stack prod",
    ),
    (
        "reconcile dismiss",
        "reconciler:dismiss",
        "Leave listed events that can never match out of what is missing, and do not ask for them.",
        "1b4e28ba-2fa1-4d2b-883f-0016d3cca427 --why TEXT --stack prod",
        "1b4e28ba-2fa1-4d2b-883f-0016d3cca427 --undo --stack prod",
    ),
    (
        "reconcile payments",
        "reconcile:payments",
        "Compare the provider's payments with the ledger: status, amounts and reference. Nothing is changed.",
        "--since 30d --stack prod",
    ),
    (
        "provider simulate",
        "provider.simulate:simulate",
        "Be the provider: serve its API on this machine until Ctrl-C, and deliver made-up events to the local stack.",
        "--public-key public.pem --events 200 --lose 0.05",
    ),
    (
        "provider key create",
        "provider.key:create",
        "Make a key pair in the stack's Secrets Manager, and print the public key for WickiePay's portal.",
        "--stack prod",
    ),
    (
        "provider key show-public",
        "provider.key:show_public",
        "Print the newest public key, in PEM.",
        "--stack prod",
    ),
    (
        "provider key status",
        "provider.key:status",
        "Show the keys, which of them signs, and whether the provider accepts it. Exit code 1 if it does not.",
        "--stack prod --json",
    ),
    (
        "provider destinations list",
        "provider.destinations:list_destinations",
        "List where WickiePay sends events. Exit code 1 if this stack is not among them.",
        "--stack prod",
    ),
    (
        "provider destinations add",
        "provider.destinations:add",
        "Register this stack with WickiePay: its own address, and its signing secret. Asks first.",
        "--stack prod",
        "--events 'payment.*,channel.*' --stack prod",
    ),
    (
        "provider destinations update",
        "provider.destinations:update",
        "Change a destination: its events, its note, or that it is this stack's address or secret.",
        "7e6ff4ad-7c0d-4d0c-9a1a-0a2f1de8b0f4 --secret --stack prod",
    ),
    (
        "provider destinations remove",
        "provider.destinations:remove",
        "Have WickiePay send nothing more to a destination. Asks first.",
        "7e6ff4ad-7c0d-4d0c-9a1a-0a2f1de8b0f4 --stack prod",
    ),
)
"""For each command: words, place of its function, summary, examples. --help and a TAB read only this list."""

SPECIAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "samples": {"hidden": True},
    "balances adjust": {"context_settings": {"ignore_unknown_options": True}},  # an amount may begin like one: -10
}
"""Further settings of single commands for Typer."""


class _Root(Group):
    """The root command. It escapes its error messages like any other output, since arguments may have been pasted."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as Typer has them
        with _escaping():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as Typer has them
        with _escaping():
            return super().invoke(*args, **kwargs)


@contextmanager
def _escaping() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        from wickiepay_cli.output.tables import escaped  # noqa: PLC0415  it takes its time

        error.message = escaped(error.message.removeprefix("Value error, "))  # Pydantic's, before Typer's own sentence
        raise


def assembled(*, loaded: bool = False) -> typer.Typer:
    """The tree of commands. Each command is imported when it is named; with `loaded`, all are imported now."""
    tree = typer.Typer(
        cls=_Root,
        callback=wickiepay,
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # they show local variables, and a secret is one of them
    )
    groups = {name: typer.Typer(cls=Group, help=text, no_args_is_help=True) for name, text in GROUPS.items()}
    branches = {"": tree, **groups}
    for words, where, summary, *examples in COMMANDS:
        group, _, name = words.rpartition(" ")
        load = loader(f"wickiepay_cli.commands.{where}")
        epilog = "\n".join(f"Example: wickiepay {words} {example}" for example in examples)
        special = SPECIAL.get(words, {})
        if loaded:
            branches[group].command(name, cls=Command, epilog=epilog, **special)(load())
        else:
            branches[group].command(name, epilog=epilog, help=summary, cls=Later, **special)(load)
    for words, branch in groups.items():
        group, _, name = words.rpartition(" ")
        branches[group].add_typer(branch, name=name)
    return tree


def _show_version(wanted: bool) -> None:  # noqa: FBT001  as Typer calls it
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  it takes its time

        text = f"wickiepay {version('wickiepay-webhook-listener')}"
        typer.echo(text)  # noqa: TID251  no stranger wrote it, and importing wickiepay_cli.output.tables takes its time
        raise typer.Exit


def wickiepay(
    *,
    version: Annotated[  # its callback acts
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Run, test and operate a WickiePay webhook listener."""


app = assembled()


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command: one sentence and exit code 1 for an expected error, 130 for a Ctrl-C that cuts it short."""
    try:
        try:
            app(arguments)
        finally:
            sys.stdout.flush()
    except OSError as error:  # for example a full disk; most commands have no message of their own for it
        _write_no_more()
        _end(error)
    except SystemExit as end:
        if end.code == 1 and _began_with_ctrl_c(end):  # at a prompt, Typer takes it as a "no"
            sys.exit(INTERRUPTED)
        raise
    except Exception as error:
        from wickiepay_cli.errors import EXPECTED  # noqa: PLC0415  it imports botocore's errors

        if not isinstance(error, EXPECTED):
            raise
        _end(error)


def _end(error: Exception) -> NoReturn:
    from wickiepay_cli.errors import BrokenHandler, sentence  # noqa: PLC0415  as above
    from wickiepay_cli.output.tables import tell  # noqa: PLC0415  as above

    for line in error.lines if isinstance(error, BrokenHandler) else [sentence(error)]:
        tell(line)
    sys.exit(1)


def _write_no_more() -> None:
    """Discards what standard output could not take, so that the interpreter does not try again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _began_with_ctrl_c(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
