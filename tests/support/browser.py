"""A local stack whose console is opened in a browser."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

COMMAND: Final = Path(sys.executable).parent / "wickiepay"


@dataclass(frozen=True, slots=True)
class Running:
    """A local stack that runs, and the address that opens its console."""

    folder: Path
    console: str

    def wickiepay(self, *arguments: str) -> str:
        environment = os.environ | {"WICKIEPAY_LOCAL": str(self.folder)}
        done = subprocess.run(
            [COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
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
