"""`wickiepay requests`: the requests and answers that the local stack's front door keeps, also refused ones."""

import base64
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import httpx
import typer

from wickiepay import clock
from wickiepay_cli.commands.options import (
    LIMIT_FOR_PEOPLE,
    AsJson,
    Limit,
    Since,
    at_stack,
    refuse_backwards,
    tell_of_more,
)
from wickiepay_cli.commands.verify import show_verdict
from wickiepay_cli.console import server
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output.tables import (
    briefly,
    milliseconds,
    say,
    seconds,
    show_facts,
    show_json,
    show_table,
    tell,
    write,
)
from wickiepay_cli.sending.client import ANSWER_SECONDS
from wickiepay_cli.signatures.change import Finding
from wickiepay_cli.signatures.verdict import Received, Verdict
from wickiepay_cli.stacks.local_stack import state_folder
from wickiepay_cli.stacks.stack import Stack, Where
from wickiepay_cli.store.filters import moment
from wickiepay_cli.store.refused_deliveries import refused_deliveries

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="The request, as requests list shows it.")]

PERIOD = "yesterday"


@at_stack
def list_requests(where: Where, *, since: Since = None, limit: Limit = None, as_json: AsJson = False) -> None:
    """List the kept requests, or with --stack the deliveries that a deployed stack refused. The newest come first.

    The local stack keeps the last 32 MiB. A deployed one keeps no requests, but its log has a line for each that it
    refused: since yesterday, or --since another time.
    """
    if where:
        _list_refused(where.find(), since or moment(PERIOD), limit, as_json=as_json)
        return
    if since:
        raise typer.BadParameter(
            "it goes with --stack: here, all requests that are kept are listed.", param_hint="--since"
        )
    found = _asked("GET")
    if as_json:
        show_json(found["requests"][:limit])
        return
    now, requests = clock.now(), iter(found["requests"])
    shown = limit or LIMIT_FOR_PEOPLE
    rows = [
        (
            str(each["number"]),
            briefly(each["at"], now),
            str(each["status"]),
            each["standing"],
            each["event"] or f"{each['method']} {each['target']}",
            each["uuid"],
        )
        for each in islice(requests, shown)
    ]
    if rows:
        show_table(("number", "at", "answer", "state", "event", "uuid"), rows)
    else:
        say("There are no requests yet.")
    tell_of_more(requests, shown)
    if found["gone"]:
        tell(f"{found['gone']} older ones have made room.")


def _list_refused(found: Stack, since: datetime, limit: int | None, *, as_json: bool) -> None:
    refuse_backwards(since, None)
    refused = refused_deliveries(found.client, found.outputs.get("IngestLogGroup"), since, clock.now())[:limit]
    if as_json:
        show_json([asdict(each) for each in refused])
    elif refused:
        show_table(
            ("at", "answer", "reason", "from", "bytes", "request"),
            (
                (seconds(each.at), str(each.status), each.reason, each.source, str(each.bytes or ""), each.request_id)
                for each in refused
            ),
        )
    else:
        say("Nothing was refused.")


def show(
    number: Number,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Write the body alone, exactly as it came.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show both sides of a request: line, headers and body, and the answer. A signature is masked but for its ends."""
    found = _asked("GET", f"/{number}")
    if raw:
        write(base64.b64decode(found["request_body_base64"]))
        return
    if as_json:
        show_json(found)
        return
    say(f"{found['method']} {found['target']} at {milliseconds(found['at'])}")
    show_facts((name, value) for name, value in found["request_headers"])
    say(f"\n{found['request_body']}\n", lines=True)
    say(f"{found['status']} after {found['milliseconds']} ms")
    show_facts((name, value) for name, value in found["response_headers"])
    say(f"\n{found['response_body']}", lines=True)


def verify(number: Number, *, as_json: AsJson = False) -> None:
    """Say whether the signature of a request is valid, and if not, why. Exit code 1 if it is not."""
    found, said = _asked("GET", f"/{number}"), _asked("GET", f"/{number}/verify")
    if as_json:
        show_json(said)
    else:
        verdict = Verdict(**{**said, "findings": [Finding(**each) for each in said["findings"]]})
        show_verdict(verdict, Received(base64.b64decode(found["request_body_base64"]), None))
    if not said["valid"]:
        raise typer.Exit(1)


def resend(number: Number, *, as_json: AsJson = False) -> None:
    """Send a request to the local stack again, with the same bytes and headers. Exit code 1 unless it is accepted."""
    said = _asked("POST", f"/{number}/resend")
    if as_json:
        show_json(said)
    else:
        answered = "no answer:" if said["status"] is None else str(said["status"])
        say(f"{answered} {said['text']} ({said['seconds'] * 1000:.0f} ms)")
    if said["status"] is None or not 200 <= said["status"] < 300:
        raise typer.Exit(1)


def _asked(method: str, path: str = "") -> Any:  # noqa: ANN401  JSON
    """The answer of the local stack's console. Raises `CommandError` if there is none, or if it reports an error."""
    Where().find()  # says so if no stack runs
    address = server.read(state_folder())
    headers = {"Authorization": f"Bearer {address.token}"}
    try:
        with httpx.Client(trust_env=False, timeout=2 * ANSWER_SECONDS, headers=headers) as http:
            answer = http.request(method, f"{address.url}/api/requests{path}")
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise CommandError(f"The console at {address.url} did not answer: {error}") from error
    if answer.is_error:
        raise CommandError(said["error"])
    return said
