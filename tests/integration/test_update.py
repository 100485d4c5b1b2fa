"""A stack that is updated: it loses nothing, keeps all it holds, and goes on with what the update says."""

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.support.account import Account, Listener, empty_account
from tests.support.cloudformation import Template
from tests.support.history import DEPLOYED, check_out, previous_commit
from tests.support.stateful import stateful
from wickiepay_cli.doctor.report import audit
from wickiepay_cli.project import PROJECT

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

pytestmark = pytest.mark.many_stacks

FUNCTIONS: Final = ("IngestFunction", "ConsumerFunction", "RelayFunction")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with empty_account(tmp_path_factory.mktemp("account")) as account:
        yield account


# --- From what was deployed before ---------------------------------------------------------------


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that holds what was deployed before it was changed to what it is now."""
    commit = previous_commit()
    if commit is None:
        pytest.skip("there is no git history, or none that goes back to another deployment")
    return check_out(commit, tmp_path_factory.mktemp("previous"))


def consume(listener: Listener, *, enabled: bool) -> None:
    """Has the consumer take from the queue, or leave all in it."""
    functions: LambdaClient = listener.stack.client("lambda")
    functions.update_event_source_mapping(UUID=listener.resources()["ConsumerFunctionQueue"], Enabled=enabled)


def insist(listener: Listener, uuid: str) -> str:
    """Delivers an event as a sender does who is not content with anything but a 200."""
    while listener.deliver(uuid) != 200:
        time.sleep(0.1)
    return uuid


def send_until(ready: threading.Event, listener: Listener) -> list[str]:
    """Delivers event after event; their uuids."""
    sent: list[str] = []
    for number in count():
        sent.append(insist(listener, f"during-{number}"))
        if ready.is_set():
            return sent
    raise AssertionError


def test_an_update_loses_nothing_and_keeps_what_the_stack_holds(account: Account, previous: Path) -> None:
    old = account.deploy("listener", project=previous)
    held = stateful(Template(yaml_parse((previous / "template.yaml").read_text())).stack().resources)
    before = old.resources()
    sent = [insist(old, f"before-{number}") for number in range(3)]
    assert {old.end(uuid) for uuid in sent} == {"PROCESSED"}
    # Nothing is in the consumer's hands while it is updated: the emulator would kill it, and Lambda does not.
    consume(old, enabled=False)
    sent += [insist(old, f"waiting-{number}") for number in range(3)]

    updated = threading.Event()
    with ThreadPoolExecutor() as threads:
        sending = threads.submit(send_until, updated, old)
        try:
            new = account.deploy("listener")
        finally:
            updated.set()
        sent += sending.result()

    sent += [insist(new, f"after-{number}") for number in range(3)]
    consume(new, enabled=True)
    assert {uuid: new.end(uuid) for uuid in sent} == dict.fromkeys(sent, "PROCESSED")
    assert new.balance() == 5 * len(sent)
    report = audit(new.stack, timedelta(days=400), datetime.now(UTC), time.sleep)
    assert not [check for check in report.checks if not check.ok]
    after = new.resources()
    assert {name: after.get(name) for name in held} == {name: before[name] for name in held}


# --- From what is deployed now -------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what is deployed, in which nothing changes but by the test."""
    for name in DEPLOYED:
        source, copy = PROJECT / name, tmp_path / name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copyfile(source, copy)
    return tmp_path


def versions(listener: Listener) -> dict[str, str]:
    """Function → the version that is live."""
    functions, resources = listener.stack.client("lambda"), listener.resources()
    return {
        name: functions.get_alias(FunctionName=resources[name], Name="live")["FunctionVersion"] for name in FUNCTIONS
    }


def published(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in FUNCTIONS if before[name] != after[name]}


def test_a_parameter_takes_effect_in_a_new_version(account: Account, project: Path) -> None:
    old = account.deploy("parameter", project=project)
    live = versions(old)
    assert old.end(insist(old, "u-1")) == "PROCESSED"

    new = account.deploy("parameter", {"AccountField": "metadata.customerId"}, project)

    assert published(live, versions(new)) == {"ConsumerFunction"}
    assert new.deliver("u-2", metadata={"customerId": "inner"}) == 200
    assert new.end("u-2") == "PROCESSED"
    assert (new.balance(), new.balance("inner")) == (5, 5)


@pytest.mark.parametrize(
    ("file", "functions"),
    [
        ("functions/relay/relay.py", {"RelayFunction"}),
        ("layers/wickiepay/wickiepay/clock.py", {"IngestFunction", "ConsumerFunction", "RelayFunction"}),
    ],
    ids=["a function", "the layer"],
)
def test_code_that_is_changed_is_published(account: Account, project: Path, file: str, functions: set[str]) -> None:
    name = Path(file).stem
    live = versions(account.deploy(name, project=project))
    with (project / file).open("a") as code:
        code.write("\n# Changed.\n")

    new = account.deploy(name, project=project)

    assert published(live, versions(new)) == functions
    assert new.deliver("u-1") == 200
    assert new.end("u-1") == "PROCESSED"
