"""Follows docs/adding-an-event-type.md: what the page says to add is all that has to be added."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-an-event-type.md"

# What the consumer does with an event, in a process of its own: handlers register themselves once and for all.
APPLY = """
import json, sys
from pathlib import Path
import handlers
from wickiepay.effects import describe
from wickiepay.event import parse
from wickiepay.routing import Settings, discover, router

discover(handlers)
text = Path(sys.argv[1]).read_bytes()
event = parse(text)
effects = router[event.name](event, Settings(account_field="reference"))
print(json.dumps([describe(effect, stands=True) for effect in effects]))
"""


def files_of_the_page() -> dict[str, str]:
    fence = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
    return dict(fence.findall(PAGE.read_text()))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the consumer and the samples, with the page's files added."""
    for folder in ("functions/consumer", "events/payloads"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name, content in files_of_the_page().items():
        (tmp_path / name).write_text(content)
    return tmp_path


def test_the_page_adds_one_code_file_and_its_sample() -> None:
    assert list(files_of_the_page()) == [
        "functions/consumer/handlers/invoice.py",
        "events/payloads/invoice.paid.json",
    ]


def test_an_event_of_the_new_type_has_the_effect_that_the_page_promises(project: Path) -> None:
    sample = project / "events/payloads/invoice.paid.json"
    path = os.pathsep.join([str(project / "functions/consumer"), str(ROOT / "layers/wickiepay")])

    done = subprocess.run(
        [sys.executable, "-c", APPLY, str(sample)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [
        {
            "effect": "set_resource",
            "kind": "invoice",
            "id": json.loads(sample.read_text())["data"]["uuid"],
            "status": "COMPLETE",
        }
    ]
