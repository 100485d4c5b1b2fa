"""Figures, the signing secret, stacks and the console, by the command as it is installed, on a whole stack.

The stack is this file's own: its secret changes.
"""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.installed import PATIENCE_SECONDS, Installed
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET

pytestmark = [pytest.mark.stack, pytest.mark.installed_cli]

NEW: Final = "the-new-secret-of-this-file"


@pytest.fixture(scope="module")
def wickiepay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("operators")
    with running_stack(folder, port=0, signing_secret=DEFAULT_SIGNING_SECRET) as running:
        yield Installed(folder, running.stack)


def delivers(wickiepay: Installed, secret: str) -> bool:
    """Whether a delivery that is signed with `secret` is taken."""
    return wickiepay("trigger", "payment.created", "--secret", secret).returncode == 0


DEPLOYED: Final = ("--stack", "wickiepay-local")
"""The same stack as a deployed one."""


# --- The signing secret ------------------------------------------------------------------------------
def test_the_local_stack_begins_without_a_rotation(wickiepay: Installed) -> None:
    assert not wickiepay.answer("secret", "status")["rotating"]


@pytest.mark.parametrize("where", [(), (*DEPLOYED, "--yes")], ids=["local", "deployed"])
def test_a_rotation_refuses_nothing_and_a_second_one_is_refused(wickiepay: Installed, where: tuple[str, ...]) -> None:
    wickiepay("secret", "set", *where, given=DEFAULT_SIGNING_SECRET)
    assert wickiepay("secret", "rotate", *where, given=NEW).returncode == 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not delivers(wickiepay, NEW):  # a function that knows it not asks again, once in ten seconds
        assert time.monotonic() < deadline
    assert delivers(wickiepay, DEFAULT_SIGNING_SECRET)
    second = wickiepay("secret", "rotate", "--generate", *where)
    assert (second.returncode, second.stdout, "A rotation is under way" in second.stderr) == (1, "", True)


def test_a_rotation_is_ended_by_retiring_the_previous_secret(wickiepay: Installed) -> None:
    where = (*DEPLOYED, "--yes")
    wickiepay("secret", "set", *where, given=DEFAULT_SIGNING_SECRET)
    rotated = wickiepay.answer("secret", "rotate", *where, given=NEW)
    stages = {each["id"]: each["stages"] for each in wickiepay.answer("secret", "status", *DEPLOYED)["versions"]}
    assert stages == {rotated["current"]: ["AWSCURRENT"], rotated["previous"]: ["AWSPREVIOUS"]}
    assert wickiepay("secret", "retire", *where).returncode == 1  # not every function can know the new one yet
    assert wickiepay.answer("secret", "retire", "--force", *where) == {"retired": rotated["previous"]}
    left = wickiepay.answer("secret", "status", *DEPLOYED)
    assert (left["rotating"], [each["id"] for each in left["versions"]]) == (False, [rotated["current"]])


def test_the_secret_is_printed_where_that_is_wanted_and_nowhere_else(wickiepay: Installed) -> None:
    said = [wickiepay("secret", "set", given=NEW), wickiepay("secret", "status"), wickiepay("secret", "show")]
    assert [NEW in done.stdout + done.stderr for done in said] == [False, False, False]
    assert wickiepay("secret", "show", "--yes-print-it").stdout == f"{NEW}\n"
    assert wickiepay("secret", "set", given=DEFAULT_SIGNING_SECRET).returncode == 0


# --- Figures -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("where", [(), DEPLOYED], ids=["local", "deployed"])
def test_what_comes_is_counted_and_timed(wickiepay: Installed, where: tuple[str, ...]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    assert wickiepay("trigger", "deposit.status_change", "--secret", DEFAULT_SIGNING_SECRET).returncode == 0
    while (figures := wickiepay.answer("stats", *where))["outcomes"].get("RECEIVED"):
        assert time.monotonic() < deadline
    deposits = {each["type"]: each for each in figures["types"]}["deposit.status_change"]
    assert deposits["outcomes"] == {"PROCESSED": deposits["deliveries"]}
    assert 0 < deposits["latency_seconds"]["p50"] <= deposits["latency_seconds"]["max"] < PATIENCE_SECONDS


def test_charts_need_no_terminal_and_no_colours(wickiepay: Installed) -> None:
    done = wickiepay("stats", NO_COLOR="1")
    assert (done.returncode, done.stderr, "\x1b" in done.stdout, "█" in done.stdout) == (0, "", False, True)


# --- Stacks, and the console ----------------------------------------------------------------------------
def test_the_stack_is_found_once_though_the_account_is_this_machine_too(wickiepay: Installed) -> None:
    found = wickiepay.answer("stacks")
    assert [(each["name"], each["local"], each["status"]) for each in found] == [
        ("wickiepay-local", True, "CREATE_COMPLETE"),
    ]
    assert {each["webhook_url"] for each in found} == {wickiepay.stack.webhook_url}


def test_in_another_region_there_is_only_the_local_one(wickiepay: Installed) -> None:
    assert [each["local"] for each in wickiepay.answer("stacks", "--region", "eu-west-1")] == [True]


@pytest.mark.parametrize("what", ["logs", "stack"])
def test_every_part_of_the_stack_has_its_place_in_the_console(what: str, wickiepay: Installed) -> None:
    urls = [each["url"] for each in wickiepay.answer("open", what, *DEPLOYED)]
    assert urls
    assert all(url.startswith("https://console.aws.amazon.com/") and "us-east-1" in url for url in urls)


def test_the_local_stack_has_no_console(wickiepay: Installed) -> None:
    done = wickiepay("open", "dashboard")
    assert (done.returncode, done.stdout, "not in AWS" in done.stderr) == (1, "", True)
