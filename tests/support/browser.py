"""A local stack whose console is opened in a browser."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from tests.support.checkout import COMMAND, environment

PATIENCE_SECONDS: Final = 60

REBOUND: Final = "rebound.example"
"""A name that leads the browser to this machine, as whoever owns a name can have it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A local stack that runs from a checkout of its own, and the address that opens its console.

    Its files are in `folder`, and what its terminal says besides deliveries in the file `told`.
    """

    project: Path
    folder: Path
    told: Path
    console: str

    @property
    def url(self) -> str:
        return self.console.partition("/?")[0]

    def wickiepay(self, *arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment(self.project, WICKIEPAY_LOCAL=str(self.folder)),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return done.stdout

    def trigger(self, event: str, *options: str) -> str:
        """Sends an event; its uuid."""
        uuid = str(uuid4())
        self.wickiepay("trigger", event, "--uuid", uuid, *options)
        return uuid

    def event(self, uuid: str) -> dict[str, Any]:
        [event, *_] = json.loads(self.wickiepay("events", "show", uuid, "--json"))
        found: dict[str, Any] = event
        return found

    def edit(self, file: str, before: str, after: str) -> None:
        """Changes a file of the checkout, and waits until the stack runs it."""
        told, text = self.told.read_text(), (self.project / file).read_text()
        assert before in text
        (self.project / file).write_text(text.replace(before, after))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while f"{file}: runs after" not in self.told.read_text().removeprefix(told):
            assert time.monotonic() < deadline, self.told.read_text()
            time.sleep(0.1)
