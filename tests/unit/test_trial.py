"""Trying edited code: it is imported afresh, and what is wrong with it is told with its line."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from wickiepay_cli.checkout.handlers import forget_handlers, handlers_in
from wickiepay_cli.checkout.trial import FUNCTIONS, LAYERS, tried
from wickiepay_cli.operations import redeploying
from wickiepay_cli.project import PROJECT

NAMES = ("first", "second")
SECOND = "functions/second/inner.py"
OURS = "layers/wickiepay/ours.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with two functions, one of which takes something from a module beside it, and both from the layer."""
    modules = {
        "functions/first/first.py": "import ours",
        "functions/second/second.py": "import inner, ours",
        SECOND: "",
        OURS: "",
    }
    for name, text in modules.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_of_sound_code_nothing_is_told(project: Path) -> None:
    (project / SECOND).write_text("import os\nprint('prints', os.environ['GIVEN'])")
    assert tried(project, NAMES, {"GIVEN": "is given"}) == []


@pytest.mark.parametrize(
    ("file", "text", "wrong", "place"),
    [
        (SECOND, "\ndef broken(:", "SyntaxError: invalid syntax", f"  {SECOND}:2: def broken(:"),
        (SECOND, "import json\njson.loads('')", "JSONDecodeError: Expecting value", f"  {SECOND}:2: json.loads('')"),
        (OURS, "import nothing", "ModuleNotFoundError: No module named 'nothing'", f"  {OURS}:1: import nothing"),
        (SECOND, "import os\nos._exit(3)", "the process ended with code 3", "  It says no more."),
    ],
)
def test_what_is_wrong_is_told_with_its_line(file: str, text: str, wrong: str, place: str, project: Path) -> None:
    (project / file).write_text(text)
    first, second = tried(project, NAMES, {})
    assert (first.startswith(wrong), second) == (True, place)


def test_code_that_does_not_come_to_an_end_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wickiepay_cli.checkout.trial.SECONDS", 0.5)
    (project / SECOND).write_text("while True: pass")
    assert tried(project, NAMES, {})[0] == "importing them takes more than 0.5 seconds"


def test_what_was_edited_is_seen_at_the_next_trial(project: Path) -> None:
    (project / SECOND).write_text("broken")
    assert tried(project, NAMES, {})
    (project / SECOND).write_text("'sound'")
    assert tried(project, NAMES, {}) == []


def test_a_function_that_is_not_deployed_is_not_tried(project: Path) -> None:
    (project / SECOND).write_text("broken")
    assert tried(project, ["first"], {}) == []


def test_of_two_handlers_for_a_type_the_second_is_at_fault(project: Path) -> None:
    (project / LAYERS / "wickiepay/wickiepay").symlink_to(PROJECT / LAYERS / "wickiepay/wickiepay")
    lines = "from wickiepay.routing import on\non('a')(print)\non('a')(print)"
    (project / FUNCTIONS / "second/second.py").write_text(lines)
    assert tried(project, NAMES, {}) == [
        "RegistrationError: a has a handler already, in builtins.",
        "  functions/second/second.py:3: on('a')(print)",
    ]


def test_of_what_an_installed_command_brings_along_no_edit_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redeploying, "CHECKOUT", False)
    monkeypatch.setattr(redeploying, "_follow", lambda *_: pytest.fail("it follows"))
    with redeploying.redeploying(Mock(), pytest.fail):
        pass


def test_handlers_that_were_edited_are_imported_anew() -> None:
    before = handlers_in(PROJECT)
    forget_handlers()
    after = handlers_in(PROJECT)
    assert after.keys() == before.keys()
    assert all(after[event] is not before[event] for event in after)
