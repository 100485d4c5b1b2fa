"""The casebook on a local stack of its own: all cases are played side by side, and then each is looked at."""

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from subprocess import CompletedProcess
from typing import Final

import httpx
import pytest

from tests.support import casebook, command_line
from tests.support.casebook import Answer, Play, Request
from tests.support.load import is_empty, wait_for
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

CASES: Final = casebook.read([casebook.BESIDE, casebook.OURS])
SIDE_BY_SIDE: Final = 8
PATIENCE_SECONDS: Final = 120


@dataclass(slots=True)
class Listener:
    """The local stack, and the command in this process, which shares its output: one at a time."""

    stack: Stack
    url: str
    http: httpx.Client
    secret: bytes = DEFAULT_SIGNING_SECRET.encode()
    settled: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver(self, request: Request, times: int) -> Sequence[Answer]:
        with ThreadPoolExecutor(times) as copies:
            return list(copies.map(self._post, [request] * times))

    def _post(self, request: Request) -> Answer:
        headers = {"Content-Type": request.content_type, "X-Webhook-Signature": request.signature}
        answer = self.http.post(self.url, content=request.body, headers=headers)
        return Answer(answer.status_code, answer.json())

    def settle(self) -> None:
        """Waits no longer than its patience lasts: what has not come to its end by then is for each case to see."""
        sqs, url = self.stack.sqs(), self.stack.output("EventQueueUrl")
        wait_for(lambda: is_empty(sqs, url), PATIENCE_SECONDS)
        self.settled = self.settled and is_empty(sqs, url)

    def command(self, *words: str) -> CompletedProcess[str]:
        with self._lock:
            return command_line.ended(*words)


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    folder = tmp_path_factory.mktemp("cases")
    with (
        running_stack(folder, port=0, signing_secret=DEFAULT_SIGNING_SECRET) as running,
        httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as http,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("WICKIEPAY_LOCAL", str(folder))
        found = stack.find(None)
        found = replace(found, client=cache(found.client))
        patch.setattr(stack, "find", lambda *_: found)  # a client takes longer to make than most commands
        yield Listener(found, running.stack.webhook_url, http)


@pytest.fixture(scope="module")
def played(listener: Listener) -> dict[str, Play]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        return dict(zip(CASES, casebook.play(CASES.values(), listener, threads), strict=True))


@pytest.fixture(scope="module")
def audit(listener: Listener, played: dict[str, Play]) -> CompletedProcess[str]:  # noqa: ARG001  after them
    """What the doctor says of all cases together."""
    return listener.command("doctor", "--json")


@pytest.mark.parametrize("name", CASES)
def test_the_books_say_what_is_right(name: str, played: dict[str, Play], audit: CompletedProcess[str]) -> None:
    if wrong := casebook.differences(played[name], lambda: casebook.worth_a_look(audit)):
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.usefixtures("played")
def test_all_is_settled_in_the_end(listener: Listener) -> None:
    assert listener.settled


def test_the_books_of_all_cases_add_up(audit: CompletedProcess[str]) -> None:
    checks = json.loads(audit.stdout or "{}").get("checks", ())
    assert audit.returncode == 0, [check for check in checks if not check["ok"]] or audit.stderr
