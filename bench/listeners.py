"""The provider's example listeners, as servers on loopback: what they take a second, and the CPU of each request.

They verify and print. They store nothing and do nothing, so their figures are those of a door without a house.
"""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bench import deliveries
from bench.lambda_folder import HERE
from bench.stub_aws import SECRET
from wickiepay.signature import sign

REQUESTS: Final = 2000
BODIES: Final = 50
READY_SECONDS: Final = 20
INSTALL_SECONDS: Final = 120
TICKS: Final = os.sysconf("SC_CLK_TCK")

type Figures = dict[str, float]
type Command = Callable[[int], Sequence[str]]


def listeners(scratch: Path) -> dict[str, Figures | str]:
    """The figures of each listener, or why there are none."""
    gunicorn = (sys.executable, "-m", "gunicorn", "--workers", "1", "--log-level", "error", "--bind")
    found: dict[str, Figures | str] = {}
    with _running(lambda port: (*gunicorn, f"127.0.0.1:{port}", "flask_listener:app"), HERE / "peers") as server:
        found["Flask under gunicorn"] = _measure(*server, "python")
    folder = scratch / "express"
    shutil.copytree(HERE / "peers/express_listener", folder, dirs_exist_ok=True)
    if (missing := _install(folder)) is None:
        with _running(lambda _: ("node", "listener.js"), folder) as server:
            found["Express on node"] = _measure(*server, "node")
    else:
        found["Express on node"] = missing
    return found


def _install(folder: Path) -> str | None:
    """Fetches what package.json names; says why not, where it cannot be had."""
    npm = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    try:
        subprocess.run(npm, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except FileNotFoundError:
        return "not measured: there is no npm here"
    except subprocess.SubprocessError:
        return "not measured: npm could not install express"
    return None


@contextmanager
def _running(command: Command, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment: Mapping[str, str] = {**os.environ, "WICKIEPAY_WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    process = subprocess.Popen(
        command(port), cwd=folder, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_for(port)
        yield process, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # of the group that it leads: gunicorn's workers are in it
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError("the listener does not listen")


def _measure(process: subprocess.Popen[bytes], port: int, scheme: str) -> Figures:
    requests = [_request(deliveries.body(deliveries.uuid("first", number)), scheme) for number in range(BODIES)]
    _post(port, requests)
    cpu, wall = _cpu_seconds(process.pid), time.perf_counter()
    for _ in range(REQUESTS // BODIES):
        _post(port, requests)
    return {
        "requests_per_second": REQUESTS / (time.perf_counter() - wall),
        "cpu_seconds": (_cpu_seconds(process.pid) - cpu) / REQUESTS,
    }


def _request(content: bytes, scheme: str) -> tuple[bytes, Mapping[str, str]]:
    signature = sign(content, SECRET.encode(), scheme)
    return content, {"Content-Type": "application/json", "X-Webhook-Signature": signature}


def _post(port: int, requests: Sequence[tuple[bytes, Mapping[str, str]]]) -> None:
    """One after another; over one connection as long as the server keeps it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for content, headers in requests:
        connection.request("POST", "/webhooks/wickiepay", content, dict(headers))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    connection.close()


def _cpu_seconds(group: int) -> float:
    """Of all the processes of a group so far."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                total += int(fields[11]) + int(fields[12])
    return total / TICKS
