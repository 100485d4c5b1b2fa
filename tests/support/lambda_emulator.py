"""A function as `sam build` built it, in AWS's own Lambda emulator (which comes with sam) and under AWS's own client.

A function has there what was built and what the environment .venv-sam has: boto3, as on Lambda, but neither the layer's
packages nor this project.
"""

import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from samtranslator.yaml_helper import yaml_parse

SAM: Final = Path(__file__).parents[2] / ".venv-sam/bin"
ARCHITECTURES: Final = {"x86_64": "x86_64", "aarch64": "arm64"}

type Invoke = Callable[[Path], Any]
"""An event's file → what the function answers it. Where the function fails, so does this, with what it printed."""


@contextmanager
def in_lambda_emulator(build: Path, function: str, variables: Mapping[str, str], log: Path) -> Iterator[Invoke]:
    """Runs a built function in the Lambda emulator, one invocation at a time: two at once would end it."""
    resource = yaml_parse((build / "template.yaml").read_text())["Resources"][function]["Properties"]
    code = build / resource["CodeUri"]
    names = resource["Environment"]["Variables"]
    [program] = SAM.parent.rglob(f"samcli/local/rapid/aws-lambda-rie-{ARCHITECTURES[platform.machine()]}")
    invocations, runtime = free_address(), free_address()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                *("--runtime-interface-emulator-address", invocations),
                *("--runtime-api-address", runtime),
                *(SAM / "python", "-m", "awslambdaric", resource["Handler"]),
            ],
            cwd=code,
            env={
                "PYTHONPATH": os.pathsep.join([str(code), str(build / "WickiePayLayer/python")]),
                "AWS_LAMBDA_FUNCTION_NAME": function,
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(resource["Timeout"]),
                **{name: value for name, value in variables.items() if name in names or name.startswith("AWS_")},
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def invoke(event: Path) -> Any:  # noqa: ANN401  whatever the function answers
        url = f"http://{invocations}/2015-03-31/functions/function/invocations"
        answer = httpx.post(url, content=event.read_bytes(), timeout=60, trust_env=False).json()
        assert "errorType" not in answer, f"{answer}\n{log.read_text()}"
        return answer

    try:
        wait_until_open(invocations, process)
        yield invoke
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
    return f"{host}:{port}"


def wait_until_open(address: str, process: "subprocess.Popen[bytes]") -> None:
    host, port = address.split(":")
    for _ in range(100):
        assert process.poll() is None
        with suppress(ConnectionRefusedError), socket.create_connection((host, int(port))):
            return
        time.sleep(0.05)
    pytest.fail(f"Nothing listens at {address}.")
