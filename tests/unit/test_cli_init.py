"""`wickiepay init` writes what a new event type needs, and never over anything."""

import json
from pathlib import Path
from typing import Final

import pytest

from tests.support.command_line import run, run_json
from wickiepay.event import parse
from wickiepay_cli.commands import init as command
from wickiepay_cli.errors import CommandError

HANDLER: Final = "functions/consumer/handlers/invoice.py"
TEST: Final = "tests/unit/handlers/test_invoice_paid.py"
SAMPLE: Final = "events/payloads/invoice.paid.json"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without any handler in it."""
    for folder in ("functions/consumer/handlers", "tests/unit", "events/payloads"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(command, "checkout", lambda: tmp_path)
    return tmp_path


def there(project: Path) -> set[str]:
    return {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}


def test_a_handler_a_test_and_a_sample_are_written(project: Path) -> None:
    run("init", "invoice.paid")
    assert there(project) == {HANDLER, TEST, SAMPLE}


def test_people_are_told_what_was_written_and_what_to_do_next() -> None:
    told = run("init", "invoice.paid").stdout
    assert [name for name in (HANDLER, TEST, SAMPLE) if f"Written: {name}\n" in told] == [HANDLER, TEST, SAMPLE]
    for step in (f".venv/bin/pytest {TEST}", "wickiepay trigger invoice.paid", "--state IGNORED --type invoice.paid"):
        assert step in told


def test_programs_are_told_what_was_written(project: Path) -> None:
    answer = run_json("init", "invoice.paid")
    assert (answer["event"], answer["dry_run"]) == ("invoice.paid", False)
    assert {each["path"]: each["content"] for each in answer["files"]} == {
        name: (project / name).read_text() for name in (HANDLER, TEST, SAMPLE)
    }


@pytest.mark.parametrize("columns", ["80", "160"])
def test_a_dry_run_prints_it_and_writes_nothing(project: Path, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    told = run("init", "invoice.paid", "--dry-run").stdout
    assert '@on("invoice.paid")\ndef invoice_paid(event: WebhookEvent, _: Settings) -> list[Effect]:\n' in told
    assert there(project) == set()


def test_a_dry_run_tells_programs_the_same_as_the_real_one() -> None:
    dry = run_json("init", "invoice.paid", "--dry-run")
    assert dry == {**run_json("init", "invoice.paid"), "dry_run": True}


def test_the_sample_is_an_event_of_that_type(project: Path) -> None:
    run("init", "invoice.paid")
    text = (project / SAMPLE).read_bytes()
    event = parse(text)
    assert (event.name, event.identity.uuid) == ("invoice.paid", json.loads(text)["data"]["uuid"])


NAMES: Final = [
    ("invoice.paid", "invoice", "invoice_paid", "invoice"),
    ("trade.order.filled_2", "trade_order", "trade_order_filled_2", "trade_order"),
    ("ping", "ping", "ping", "ping"),
    ("import", "import_", "import_", "import"),
]


@pytest.mark.parametrize(("event", "module", "function", "kind"), NAMES, ids=[name for name, *_ in NAMES])
def test_a_module_is_named_after_the_family_and_a_function_after_the_event(
    event: str, module: str, function: str, kind: str, project: Path
) -> None:
    run("init", event)
    text = (project / f"functions/consumer/handlers/{module}.py").read_text()
    assert f'@on("{event}")\ndef {function}(event' in text
    assert f'set_resource(event, "{kind}")' in text


def test_where_the_family_has_a_module_the_event_gets_one_of_its_own(project: Path) -> None:
    run("init", "invoice.paid")
    before = there(project)
    run("init", "invoice.voided")
    assert there(project) - before == {
        "functions/consumer/handlers/invoice_voided.py",
        "tests/unit/handlers/test_invoice_voided.py",
        "events/payloads/invoice.voided.json",
    }


# --- What is refused ---------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_an_event_that_has_a_handler_is_refused(arguments: tuple[str, ...], project: Path) -> None:
    with pytest.raises(CommandError, match=r"payment\.completed already has a handler"):
        run("init", "payment.completed", *arguments)
    assert there(project) == set()


@pytest.mark.parametrize("name", [TEST, SAMPLE])
def test_nothing_is_written_over_or_beside_what_is_there(name: str, project: Path) -> None:
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("mine")
    with pytest.raises(CommandError, match="already exists: nothing was written"):
        run("init", "invoice.paid")
    assert (there(project), (project / name).read_text()) == ({name}, "mine")


def test_a_handler_in_a_module_of_its_own_is_not_written_over(project: Path) -> None:
    for name in ("invoice", "invoice_paid"):
        (project / f"functions/consumer/handlers/{name}.py").write_text("mine")
    with pytest.raises(CommandError, match=r"invoice_paid\.py already exists"):
        run("init", "invoice.paid")


@pytest.mark.parametrize(
    "event",
    [
        "",
        "Invoice.paid",
        "invoice paid",
        "invoice..paid",
        ".paid",
        "invoice.",
        "../etc",
        'x")',
        "1.paid",
        "é",
        "a" * 49,
    ],
)
def test_what_can_be_no_name_of_a_type_is_refused(event: str, project: Path) -> None:
    with pytest.raises(CommandError, match="is not an event type"):
        run("init", event)
    assert there(project) == set()


def test_it_works_in_a_checkout_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "checkout", lambda: tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="works in a checkout"):
        run("init", "invoice.paid")


def test_handlers_that_cannot_be_imported_are_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise SyntaxError("invalid syntax (invoice.py, line 3)")

    monkeypatch.setattr("wickiepay_cli.checkout.handlers.discover", broken)
    with pytest.raises(CommandError, match=r"cannot be imported: invalid syntax \(invoice\.py, line 3\)"):
        run("init", "invoice.paid")
