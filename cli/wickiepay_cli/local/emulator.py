"""The AWS emulator (ministack) as a child process that does not outlive its parent."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.proxy import reserved
from wickiepay_cli.private_files import private
from wickiepay_cli.stacks.emulator_access import REGION, Access

READY_SECONDS: Final = 60
STOP_SECONDS: Final = 3


class EmulatorEnded(CommandError):
    """The emulator ended although nobody stopped it."""


@dataclass(frozen=True, slots=True)
class Emulator:
    access: Access
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises `EmulatorEnded` if the emulator no longer runs."""
        if self.process.poll() is not None:
            raise EmulatorEnded("The emulator of AWS has ended.")


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """Runs an empty emulator that only those who know its key can use. Raises `CommandError` if it does not start.

    Its files are below `folder`. In the end they are wiped, except for its log and the one before it.
    """
    scratch = folder / "emulator"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700, parents=True)  # it holds the functions' code, and others may use this machine
    log = folder / "ministack.log"
    if log.exists():
        log.replace(folder / "ministack.previous.log")
    with reserved(0) as gate, open(log, "wb", opener=private) as output:
        access = Access.anew(f"http://127.0.0.1:{gate.getsockname()[1]}")
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(gate.fileno())],
            env=_environment(scratch, access),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[gate.fileno()],
            start_new_session=True,  # Ctrl-C in a terminal goes to the parent alone, which then stops this process
        )
    try:
        running = Emulator(access, process, log)
        _wait_until_ready(running)
        yield running
    finally:
        _stop(process)
        shutil.rmtree(scratch, ignore_errors=True)


def _environment(scratch: Path, access: Access) -> dict[str, str]:
    """The emulator's environment. The functions inherit it, so it has nothing of the user's own environment."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    url = httpx.URL(access.endpoint_url)
    return inherited | {
        "MINISTACK_HOST": url.host,
        "GATEWAY_PORT": str(url.port),
        # A function's key is made of its role's name, which is no secret, and of this number, which is one.
        "MINISTACK_ACCOUNT_ID": str(secrets.randbelow(9 * 10**11) + 10**11),
        "MINISTACK_REGION": REGION,
        "AUTH": "true",  # IAM policies are enforced
        "AWS_ACCESS_KEY_ID": access.access_key_id,
        "AWS_SECRET_ACCESS_KEY": access.secret_access_key,
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
    while time.monotonic() < deadline and emulator.process.poll() is None:
        with suppress(httpx.HTTPError):
            httpx.get(emulator.access.endpoint_url, trust_env=False)  # refused as soon as the emulator listens
            return
        time.sleep(0.1)
    raise CommandError(f"The emulator of AWS did not start; {emulator.log} says why.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the emulator and any function that still runs in it, by the process group that it leads."""
    assert process.stdin
    process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def _emulate(gate: str) -> None:
    """Serves on the socket `gate` until the other end of standard input closes, at the latest when its process ends."""
    # Imported here because only the child needs them, and they take long.
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config as ServerConfig  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415

    from wickiepay_cli.local.guard import guarded  # noqa: PLC0415

    access = Access(
        f"http://{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}",
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
    )
    config = ServerConfig()
    config.bind = [f"fd://{gate}"]
    told_to_end = partial(asyncio.to_thread, os.read, sys.stdin.fileno(), 1)
    await serve(guarded(app, access), config, shutdown_trigger=told_to_end)


if __name__ == "__main__":
    asyncio.run(_emulate(sys.argv[1]))
