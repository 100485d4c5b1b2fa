"""`wickiepay verify`, as it is installed, with the secret and the records of a stack."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from tests.support.command_line import run_json
from tests.support.emulated import variables_of
from wickiepay.signature import sign
from wickiepay_cli.project import PAYLOADS
from wickiepay_cli.sending.samples import sample
from wickiepay_cli.stacks import local_stack
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

COMMAND: Final = Path(sys.executable).parent / "wickiepay"
SAMPLE: Final = "payment.completed"


class Verify(Protocol):
    def __call__(self, body: bytes, *options: str) -> tuple[int, Any]: ...


@pytest.fixture
def verify(stack: LocalStack, signing_secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Verifies a sample with the signature of `body`, made with the stack's secret; exit code and answer."""
    local_stack.write(stack, tmp_path)
    monkeypatch.setenv("WICKIEPAY_LOCAL", str(tmp_path))
    monkeypatch.delenv("WICKIEPAY_WEBHOOK_SECRET", raising=False)

    def verify(body: bytes, *options: str) -> tuple[int, Any]:
        arguments = ["--body", str(PAYLOADS / f"{SAMPLE}.json"), "--signature", sign(body, signing_secret.encode())]
        done = subprocess.run(
            [COMMAND, "verify", *arguments, *options, "--json"], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.stderr, signing_secret in done.stdout) == ("", False)
        return done.returncode, json.loads(done.stdout)

    return verify


def test_the_secret_of_the_local_stack_is_the_default(verify: Verify) -> None:
    code, verdict = verify(sample(SAMPLE))
    assert (code, verdict["valid"], verdict["scheme"], verdict["secret"]) == (0, True, "raw", "current")


def test_the_secret_of_a_deployed_stack_is_read_too(
    verify: Verify, stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables_of(stack.aws).items():
        monkeypatch.setenv(name, value)
    code, verdict = verify(sample(SAMPLE).rstrip(), "--stack", stack.stack_name, "--region", stack.region)
    assert (code, [finding["code"] for finding in verdict["findings"]]) == (1, ["trailing_newline"])


def test_the_signature_of_an_event_on_record_is_recognised(verify: Verify) -> None:
    sent = run_json("trigger", "payment.created")
    code, verdict = verify(sent["body"].encode())
    [finding] = verdict["findings"]
    assert (code, finding["code"], sent["uuid"] in finding["what"]) == (1, "another_event", True)
