"""A container engine (Docker): the one that runs on this machine, else one of the tests' own.

Nothing is installed for it. An engine of the tests' own keeps everything in a temporary folder, leaves the machine's
firewall and routing alone, and is gone in the end: the containers that SAM makes talk over its bridge to one another
and, at published ports of the loopback, with this machine, and for that neither is needed.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

BRIDGE: Final = Path("/sys/class/net/docker0")
"""The network device that an engine makes if there is none."""

READY_SECONDS: Final = 30

INSTALL: Final = "On Debian, as root: make sam-local INSTALL=1, or apt-get install docker.io."

ENDS_WITH_US: Final = ("setpriv", "--pdeathsig", "TERM")
"""Before a command: it does not outlive the tests, however they end."""


class NoEngine(Exception):
    """No engine answers, and none can be started; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Engine:
    address: str
    """As in DOCKER_HOST, whose form SAM takes too."""
    started_here: bool
    """Whether it belongs to the tests: empty at first, and gone in the end."""

    def can(self, *command: str) -> bool:
        """Whether a docker command succeeds."""
        return self._run(*command).returncode == 0

    def docker(self, *command: str | Path, stdin: IO[bytes] | int = subprocess.DEVNULL) -> str:
        """The output of a docker command, which has to succeed."""
        done = self._run(*command, stdin=stdin)
        assert done.returncode == 0, f"docker {command[0]}: {done.stderr}"
        return done.stdout.strip()

    def _run(
        self, *command: str | Path, stdin: IO[bytes] | int = subprocess.DEVNULL
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "--host", self.address, *command],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def container_engine() -> Iterator[Engine]:
    """The engine that the docker command talks to, if it is on this machine and answers; else one of our own.

    Raises `NoEngine`.
    """
    if sys.platform != "linux":
        raise NoEngine("No container engine: only Linux runs Lambda's containers beside what they have to reach.")
    if not shutil.which("docker"):
        raise NoEngine(f"No container engine: there is no docker command. {INSTALL}")
    show = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    address = subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip()
    running = Engine(address, started_here=False)
    if not address.startswith("unix://"):
        raise NoEngine(f"No container engine on this machine: docker is told to use the one at {address}.")
    if running.can("info"):
        yield running
        return
    where = f"No container engine answers at {address}"
    if os.geteuid() != 0:
        raise NoEngine(f"{where} (start it, and be in its group), and only root can start one.")
    if not shutil.which("dockerd"):
        raise NoEngine(f"{where}, and there is no dockerd to start one. {INSTALL}")
    with TemporaryDirectory(prefix="engine-") as folder, _dockerd(Path(folder)) as engine:
        yield engine


@contextmanager
def _dockerd(folder: Path) -> Iterator[Engine]:
    engine = Engine(f"unix://{folder}/docker.sock", started_here=True)
    bridge_was_there = BRIDGE.exists()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(*ENDS_WITH_US, "dockerd", "--host", engine.address, "--pidfile", folder / "pid"),
                *("--data-root", folder / "data", "--exec-root", folder / "exec"),
                *("--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tests alone: they stop it when its containers are gone
        )
    try:
        _wait_until_ready(engine, process, folder / "log")
        yield engine
    finally:
        process.terminate()
        process.wait()
        if not bridge_was_there:
            subprocess.run(["ip", "link", "delete", BRIDGE.name], check=False)


def _wait_until_ready(engine: Engine, process: "subprocess.Popen[Any]", log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if engine.can("info"):
            return
        time.sleep(0.1)
    [*_, last] = log.read_text().splitlines() or ["it says nothing"]
    raise NoEngine(f"No container engine: dockerd does not start here: {last}")
