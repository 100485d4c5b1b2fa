"""The emulator of AWS (ministack), as a child process that does not outlive the one that started it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import botocore.session
import httpx
from botocore.config import Config

from wickiepay_cli.failure import Failure
from wickiepay_cli.local.front_door import reserved

REGION: Final = "us-east-1"
ACCESS_KEY_ID: Final = "local"
SECRET_ACCESS_KEY: Final = "local"
"""The emulator's unrestricted key. Functions do not get it: each runs under its role from the template."""

READY_SECONDS: Final = 60
STOP_SECONDS: Final = 3


class EmulatorEnded(Failure):
    """The emulator was there, and ended without being told to."""


@dataclass(frozen=True, slots=True)
class Emulator:
    endpoint_url: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises `EmulatorEnded` where the emulator is there no longer."""
        if self.process.poll() is not None:
            raise EmulatorEnded("The emulator of AWS has ended.")


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """Runs an emulator with nothing in it. Its files are kept below `folder`, and wiped in the end but for its log.

    The log of the one before it is kept as well: it says why that one ended.

    Raises `Failure` where it does not start.
    """
    scratch = folder / "emulator"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    log = folder / "ministack.log"
    if log.exists():
        log.replace(folder / "ministack.previous.log")
    with reserved(0) as gate, log.open("wb") as output:
        port = gate.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(gate.fileno())],
            env=_environment(scratch, port),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[gate.fileno()],
            start_new_session=True,  # Ctrl-C in a terminal is for the parent alone; it stops this one in its own order
        )
    try:
        running = Emulator(f"http://127.0.0.1:{port}", process, log)
        _wait_until_ready(running)
        yield running
    finally:
        _stop(process)
        shutil.rmtree(scratch, ignore_errors=True)


def client(service: str, endpoint_url: str, **config: Any) -> Any:  # noqa: ANN401  typed by its callers
    """A boto3 client of the emulator; `config` is botocore's."""
    anything: Any = session()
    return anything.client(service, endpoint_url=endpoint_url, config=Config(proxies={}, **config))


def session() -> boto3.Session:
    """A boto3 session with the emulator's unrestricted key. What the user has configured for AWS has no say in it."""
    unconfigured = botocore.session.Session(
        {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION, botocore_session=unconfigured)


def _environment(scratch: Path, port: int) -> dict[str, str]:
    """All that the emulator is told. The functions inherit it, so nothing of the user's own environment is in it."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "AUTH": "true",  # IAM policies are enforced
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Fixed ports that two emulators on one machine would fight for.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
    }


def _wait_until_ready(emulator: Emulator) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(base_url=emulator.endpoint_url, trust_env=False) as http:
        while time.monotonic() < deadline and emulator.process.poll() is None:
            with suppress(httpx.HTTPError):
                if http.get("/_ministack/ready").is_success:
                    return
            time.sleep(0.1)
    raise Failure(f"The emulator of AWS did not start; {emulator.log} says why.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the emulator, and whatever function still runs in it, by the process group that it leads."""
    assert process.stdin
    process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def _emulate(gate: str) -> None:
    """Serves on the socket `gate` until the other end of standard input closes, if only because its process is gone."""
    # Here, not above: only the child needs them, and they take their time.
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config as ServerConfig  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415

    config = ServerConfig()
    config.bind = [f"fd://{gate}"]
    await serve(app, config, shutdown_trigger=lambda: asyncio.to_thread(os.read, sys.stdin.fileno(), 1))


if __name__ == "__main__":
    asyncio.run(_emulate(sys.argv[1]))
