"""`wickiepay init` writes what a new event type needs, and never over anything."""

import json
import runpy
from pathlib import Path
from typing import Final

import pytest

from tests.support import command_line
from tests.support.command_line import ended, run, run_json
from tests.support.deliveries import EventOf
from tests.support.deployed import SETTINGS
from wickiepay import routing
from wickiepay.event import parse
from wickiepay.ledger import Ledger
from wickiepay.routing import Router, router
from wickiepay_cli.checkout import new_subscriber
from wickiepay_cli.commands import init as command
from wickiepay_cli.errors import CommandError
from wickiepay_cli.stacks import stack

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
    ("payment.refunded", "payment", "payment_refunded", "payment_refunded"),
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


@pytest.mark.parametrize("direction", ["IN", "OUT", "REFUND", None])
def test_what_is_written_for_an_event_about_a_payment_leaves_its_order_as_it_was(
    direction: str | None, project: Path, ledger: Ledger, event_of: EventOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", "payment.refunded")
    written = Router()
    monkeypatch.setattr(routing, "on", written.on)
    runpy.run_path(str(project / "functions/consumer/handlers/payment.py"))
    monkeypatch.setattr(stack, "find", command_line.stack)
    data = {"uuid": "p-1", "reference": "order-1", "displayCurrency": {"currency": "EUR", "amount": 100}}
    refund = {**data, "type": direction, "status": "REFUNDED"}
    for event, handlers in (
        (event_of("payment.completed", data), router),
        (event_of("payment.refunded", refund, timestamp="2027-01-15T10:00:00Z"), written),
    ):
        for effect in handlers[event.name](event, SETTINGS):
            ledger.apply(effect, {})
    [payment] = run_json("payments", "show", "order-1")
    assert (payment["status"], payment["order_status"]) == ("COMPLETE", "PAID")


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


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("import nothing_of_the_kind", "ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
        ("from wickiepay.effects import nothing", "ImportError: cannot import name 'nothing'"),
        (
            'on("payment.created")(print)',
            "RegistrationError: payment.created has a handler already, in handlers.payment.",
        ),
        ("print(undefined)", "NameError: name 'undefined' is not defined"),
    ],
)
def test_a_handler_that_cannot_be_imported_is_three_lines(
    line: str, error: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / HANDLER
    file.write_text(f"from wickiepay.routing import on\n\n{line}\n")
    monkeypatch.setattr("wickiepay_cli.checkout.handlers.discover", lambda _: runpy.run_path(str(file)))
    result = ended("init", "invoice.voided")
    first, second, third = result.stderr.splitlines()
    assert (result.returncode, error in first, second.strip()) == (1, True, f"{HANDLER}:3: {line}")
    assert third.startswith("Mend that line")


# --- A subscriber ------------------------------------------------------------------------------------
@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_subscriber_is_the_example_under_another_name(here: Path) -> None:
    told = run("init", "subscriber", "shop").stdout
    for step in ("(cd shop; pip install -r requirements-dev.txt; pytest)", "wickiepay local deploy shop"):
        assert step in told
    text = (here / "shop/samconfig.toml").read_text()
    assert text == (new_subscriber.EXAMPLE / "samconfig.toml").read_text().replace("order-updates", "shop")
    assert not [path for path in here.rglob("*") if path.is_symlink()]


def test_what_a_subscriber_consists_of_is_told_to_programs(here: Path) -> None:
    dry = run_json("init", "subscriber", "shop", "--dry-run")
    assert there(here) == set()
    assert dry == {**run_json("init", "subscriber", "shop"), "dry_run": True}
    assert {each["path"]: each["content"] for each in dry["files"]} == {
        name: (here / name).read_text() for name in there(here)
    }


def test_a_subscriber_is_not_written_over_anything(here: Path) -> None:
    (here / "shop").mkdir()
    with pytest.raises(CommandError, match="shop already exists: nothing was written"):
        run("init", "subscriber", "shop")
    assert there(here) == set()


@pytest.mark.parametrize("name", ["", "1shop", "a shop", "../shop", "shop/", "a_b", "a" * 129])
def test_what_can_be_no_name_of_a_stack_is_refused(name: str, here: Path) -> None:
    with pytest.raises(CommandError, match="cannot be the name of a stack"):
        run("init", "subscriber", name)
    assert there(here) == set()


@pytest.mark.parametrize("words", [("subscriber",), ("invoice.paid", "shop")], ids=" ".join)
def test_only_a_subscriber_has_a_name(words: tuple[str, ...], here: Path) -> None:
    assert (run("init", *words).exit_code, there(here)) == (2, set())
