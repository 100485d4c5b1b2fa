"""`wickiepay secret` sets, rotates and retires the signing secret, and tells it to nobody who did not ask."""

import json
import re
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
import typer
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests.support import command_line
from tests.support.aws import Calls
from tests.support.command_line import run, run_asked, run_json
from wickiepay import clock
from wickiepay.signing_secrets import TIME_TO_LIVE_SECONDS, SigningSecrets
from wickiepay_cli.app import app
from wickiepay_cli.commands import secret as command
from wickiepay_cli.errors import CommandError
from wickiepay_cli.output import tables
from wickiepay_cli.stacks import stack
from wickiepay_cli.store.secret_versions import CURRENT, MAX_BYTES, PREVIOUS, SecretVersions, Version, checked

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

OLD: Final = "the-signing-secret-of-these-tests"
NEW: Final = "a-new-secret-of-these-tests"
NEWER: Final = "a-newer-secret-of-these-tests"
OTHER: Final = "1" * 36
DEPLOYED: Final = ("--stack", "prod")
SOON: Final = timedelta(seconds=TIME_TO_LIVE_SECONDS - 30)
LATER: Final = timedelta(seconds=TIME_TO_LIVE_SECONDS + 30)


@pytest.fixture(autouse=True)
def listener(signing_secret: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setattr(stack, "find", command_line.stack)


def secret(*arguments: str, given: str | bytes | None = None) -> Result:
    """How the command ends that is given a secret on standard input."""
    return CliRunner().invoke(app, ["secret", *arguments], input=given, catch_exceptions=False)


def rotated(value: str = NEW, *arguments: str) -> None:
    assert secret("rotate", *arguments, given=value).exit_code == 0


def accepted() -> tuple[bytes, ...]:
    """What ingest verifies with, the current one first."""
    secrets = SigningSecrets(command_line.client("secretsmanager"), "SigningSecret", lambda: 0)
    secrets.refetch()
    return secrets.get()


def after(age: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """So much time passes, by the clock of the command."""
    then = datetime.now(UTC) + age
    monkeypatch.setattr(clock, "now", lambda: then)


# --- What they do ------------------------------------------------------------------------------------
def test_a_secret_that_is_set_is_accepted_and_no_other() -> None:
    secret("set", given=NEW)
    assert accepted() == (NEW.encode(),)


def test_a_secret_that_is_set_ends_a_rotation() -> None:
    rotated()
    secret("set", given=NEWER)
    assert accepted() == (NEWER.encode(),)


@pytest.mark.parametrize("before", [OLD, NEW])
def test_setting_the_present_secret_retires_the_previous_one(before: str) -> None:
    rotated() if before == NEW else None
    secret("set", given=before)
    assert accepted() == (before.encode(),)


def test_a_new_secret_is_accepted_besides_the_present_one() -> None:
    rotated()
    assert accepted() == (NEW.encode(), OLD.encode())


def test_the_previous_secret_is_retired(monkeypatch: pytest.MonkeyPatch) -> None:
    rotated()
    after(LATER, monkeypatch)
    run("secret", "retire")
    assert accepted() == (NEW.encode(),)


def test_after_that_the_next_rotation_can_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    rotated()
    after(LATER, monkeypatch)
    run("secret", "retire")
    rotated(NEWER)
    assert accepted() == (NEWER.encode(), NEW.encode())


def test_retiring_nothing_changes_nothing() -> None:
    assert run("secret", "retire").stdout == "There is no previous secret: only the current one is accepted.\n"
    assert accepted() == (OLD.encode(),)


def test_a_generated_secret_is_new_and_long() -> None:
    before = accepted()
    secret("rotate", "--generate")
    assert accepted()[1:] == before
    assert re.fullmatch(rb"[\w-]{64}", accepted()[0])


def test_a_secret_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SECRET", NEW)
    secret("set", "--from-env", "SANDBOX_SECRET")
    assert accepted() == (NEW.encode(),)


def test_at_a_terminal_a_secret_is_asked_for_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def prompt(_: str, **how: object) -> str:
        asked.update(how)
        return NEW

    monkeypatch.setattr(command, "at_a_terminal", lambda: True)
    monkeypatch.setattr(typer, "prompt", prompt)
    secret("set")
    assert (asked["hide_input"], bool(asked["confirmation_prompt"]), accepted()) == (True, True, (NEW.encode(),))


# --- What is refused ---------------------------------------------------------------------------------
@pytest.mark.parametrize("age", [timedelta(), LATER, timedelta(days=400)])
def test_a_second_rotation_is_refused_until_the_previous_secret_is_retired(
    age: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated()
    after(age, monkeypatch)
    with pytest.raises(CommandError, match="A rotation is under way"):
        secret("rotate", given=NEWER)
    assert accepted() == (NEW.encode(), OLD.encode())


def test_a_second_rotation_can_be_forced() -> None:
    rotated()
    rotated(NEWER, "--force")
    assert accepted() == (NEWER.encode(), NEW.encode())


@pytest.mark.parametrize("arguments", [(), ("--force",)])
def test_a_rotation_to_the_present_secret_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="already the current secret"):
        secret("rotate", *arguments, given=OLD)
    assert accepted() == (OLD.encode(),)


def test_the_previous_secret_is_not_retired_before_every_function_knows_the_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rotated()
    after(SOON, monkeypatch)
    with pytest.raises(CommandError, match="retire the previous one after that"):
        run("secret", "retire")
    assert accepted() == (NEW.encode(), OLD.encode())


def test_that_can_be_forced() -> None:
    rotated()
    run("secret", "retire", "--force")
    assert accepted() == (NEW.encode(),)


NO_SECRETS: Final = [
    (b"", "no secret: it is empty or blank"),
    (b" \n\t", "no secret: it is empty or blank"),
    (b"one\ntwo", "line break"),
    (b"one\x00two", "cannot be printed"),
    (b'{"one": "1", "two": "2"}', "JSON, and not one key"),
    (b"caf\xe9", "not text in UTF-8"),
    (b"x" * (MAX_BYTES + 1), "longer than 65536 bytes"),
]


@pytest.mark.parametrize("operation", ["set", "rotate"])
@pytest.mark.parametrize(("given", "reason"), NO_SECRETS, ids=[str(given[:9]) for given, _ in NO_SECRETS])
def test_what_can_be_no_secret_is_refused(operation: str, given: bytes, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        secret(operation, given=given)
    assert accepted() == (OLD.encode(),)


def test_a_variable_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="no environment variable NO_SUCH_SECRET"):
        secret("set", "--from-env", "NO_SUCH_SECRET")


def test_a_secret_comes_from_one_place() -> None:
    assert secret("set", "--generate", "--from-env", "X").exit_code == 2


@given(
    st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="'\"{"), min_size=1, max_size=64),
    st.sampled_from(["", " ", "\r\n"]),
)
def test_the_white_space_around_a_secret_does_not_count(value: str, white: str) -> None:
    assert checked((white + value + white).encode()) == value


@pytest.mark.parametrize("kept", [f'{{"key": "{NEW}"}}', f'"{NEW}"', f"\ufeff{NEW}\n", f"{NEW}\n".encode()])
def test_the_command_reads_a_secret_as_functions_do(kept: str | bytes, secretsmanager: "SecretsManagerClient") -> None:
    value = {"SecretString": kept} if isinstance(kept, str) else {"SecretBinary": kept}
    secretsmanager.put_secret_value(SecretId="SigningSecret", **value)
    assert run("secret", "show", "--yes-print-it").stdout == f"{NEW}\n"
    assert command_line.stack().signing_secret() == accepted()[0] == NEW.encode()


# --- A deployed stack is asked about -----------------------------------------------------------------
CHANGES: Final = [("set", "--generate"), ("rotate", "--generate", "--force"), ("retire", "--force")]


@pytest.mark.parametrize("answer", ["y", "n"])
@pytest.mark.parametrize("arguments", CHANGES, ids=lambda arguments: arguments[0])
def test_a_deployed_stack_is_changed_by_whoever_says_so(arguments: tuple[str, ...], answer: str) -> None:
    rotated()
    before = accepted()
    result = run_asked("secret", *arguments, *DEPLOYED, answer=answer)
    assert "On prod this would" in result.stderr
    assert (result.exit_code, accepted() == before) == ((0, False) if answer == "y" else (1, True))


@pytest.mark.parametrize("operation", ["set", "rotate"])
def test_a_secret_that_is_piped_is_no_answer(operation: str) -> None:
    with pytest.raises(CommandError, match="give --yes"):
        secret(operation, *DEPLOYED, given=f"y\n{NEW}")
    assert accepted() == (OLD.encode(),)


@pytest.mark.parametrize("arguments", CHANGES, ids=lambda arguments: arguments[0])
def test_nobody_is_asked_after_yes(arguments: tuple[str, ...]) -> None:
    rotated()
    assert run("secret", *arguments, "--yes", *DEPLOYED).exit_code == 0


# --- What is told ------------------------------------------------------------------------------------
def test_after_a_rotation_one_is_told_what_to_do_next() -> None:
    told = secret("rotate", "--yes", "--stack", "my prod", "--region", "eu-west-1", given=NEW).stdout
    [wait, give, _, retire] = told.splitlines()[1:]
    assert re.fullmatch(r"1\. Wait until \d\d:\d\d:\d\d UTC\. By then every function knows the new secret\.", wait)
    assert give.endswith("wickiepay secret show --yes-print-it --stack 'my prod' --region eu-west-1")
    assert retire == "   wickiepay secret retire --stack 'my prod' --region eu-west-1"


def test_programs_are_told_the_versions_of_a_rotation() -> None:
    [before] = run_json("secret", "status")["versions"]
    answer = json.loads(secret("rotate", "--json", given=NEW).stdout)
    assert answer["previous"] == before["id"]
    assert [version["id"] for version in run_json("secret", "status")["versions"]] == [answer["current"], before["id"]]
    known_in = datetime.fromisoformat(answer["known_from"]) - datetime.now(UTC)
    assert timedelta(seconds=TIME_TO_LIVE_SECONDS - 60) < known_in <= timedelta(seconds=TIME_TO_LIVE_SECONDS)


def test_programs_are_told_the_version_that_is_set_or_retired() -> None:
    answer = json.loads(secret("set", "--json", given=NEW).stdout)
    [version] = run_json("secret", "status")["versions"]
    assert (answer["current"], version["stages"]) == (version["id"], [CURRENT])
    assert run_json("secret", "retire") == {"retired": None}
    rotated(NEWER)
    assert run_json("secret", "retire", "--force") == {"retired": version["id"]}


STEPS: Final = [
    (None, "One secret is accepted; no rotation is under way."),
    (SOON, "A rotation is under way. Give the new secret to WickiePay after HH:MM:SS UTC, not before."),
    (LATER, "A rotation is under way. Once WickiePay signs with the new secret: wickiepay secret retire --stack prod"),
]


@pytest.mark.parametrize(("age", "step"), STEPS, ids=["at rest", "soon", "later"])
def test_the_status_tells_the_next_step(age: timedelta | None, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if age is not None:
        rotated()
        after(age, monkeypatch)
    told = run("secret", "status", *DEPLOYED).stdout.splitlines()[-1]
    assert re.sub(r"\d\d:\d\d:\d\d", "HH:MM:SS", told) == step


def test_programs_are_told_the_stages_and_ages(monkeypatch: pytest.MonkeyPatch) -> None:
    rotated()
    after(timedelta(hours=1), monkeypatch)
    answer = run_json("secret", "status")
    assert (answer["rotating"], [version["stages"] for version in answer["versions"]]) == (
        True,
        [[CURRENT], [PREVIOUS]],
    )
    assert all(3590 < version["age_seconds"] <= 3601 for version in answer["versions"])


@pytest.mark.parametrize("columns", [80, 160])
def test_the_status_keeps_to_the_width_of_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rotated()
    monkeypatch.setattr(tables, "WIDE", columns)
    lines = run("secret", "status").stdout.splitlines()[:-1]
    assert max(map(len, lines)) <= columns
    assert [stage for stage in (CURRENT, PREVIOUS) if any(stage in line for line in lines)] == [CURRENT, PREVIOUS]


def test_the_status_says_why_a_secret_cannot_be_used(secretsmanager: "SecretsManagerClient", calls: Calls) -> None:
    secretsmanager.put_secret_value(SecretId="SigningSecret", SecretString="{}")
    problems = {v["stages"][0]: v["problem"] for v in run_json("secret", "status")["versions"]}
    assert problems == {
        CURRENT: "The secret is JSON, and not one key with one text: keep the text alone.",
        PREVIOUS: None,
    }
    assert "The secret is JSON" in run("secret", "status").stdout
    calls.refuse("GetSecretValue", "AccessDeniedException")
    versions = SecretVersions(secretsmanager, "SigningSecret")
    assert versions.problem(CURRENT) == "It could not be read: AccessDeniedException."


def test_an_unreadable_secret_can_be_replaced(secretsmanager: "SecretsManagerClient") -> None:
    secretsmanager.put_secret_value(SecretId="SigningSecret", SecretString="{}")
    secret("set", given=NEW)
    assert accepted() == (NEW.encode(),)


# --- Which secret signs ------------------------------------------------------------------------------
def signed(metric: str, at: datetime) -> None:
    """Ingest counts a delivery at that time."""
    data = {"MetricName": metric, "Dimensions": [{"Name": "service", "Value": "ingest"}], "Timestamp": at, "Value": 1.0}
    command_line.client("cloudwatch").put_metric_data(Namespace="WickiePay/listener", MetricData=[data])


def last_uses() -> dict[str, str | None]:
    return {
        version["stages"][0]: version["last_use"] for version in run_json("secret", "status", *DEPLOYED)["versions"]
    }


def test_the_status_tells_when_which_secret_last_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    rotated()
    after(timedelta(hours=3), monkeypatch)
    minute = clock.now().replace(second=0, microsecond=0)
    assert last_uses() == {CURRENT: None, PREVIOUS: None}
    signed("SecretPrevious", minute - timedelta(hours=2))
    signed("SecretPrevious", minute - timedelta(hours=1))
    assert last_uses() == {CURRENT: None, PREVIOUS: clock.instant(minute - timedelta(hours=1))}
    signed("SecretCurrent", minute)
    assert last_uses()[CURRENT] == clock.instant(minute)
    assert f"{minute:%Y-%m-%d %H:%M}" in run("secret", "status", *DEPLOYED).stdout


def test_what_was_signed_before_a_rotation_was_signed_with_another_previous_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed("SecretPrevious", datetime.now(UTC) - timedelta(hours=1))
    rotated()
    after(timedelta(days=2), monkeypatch)
    assert last_uses()[PREVIOUS] is None


def test_with_lean_monitoring_the_current_secrets_use_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    rotated()
    after(timedelta(hours=3), monkeypatch)
    minute = clock.now().replace(second=0, microsecond=0)
    signed("SecretPrevious", minute)

    monkeypatch.setitem(command_line.PARAMETERS, "Monitoring", "lean")

    assert last_uses() == {CURRENT: None, PREVIOUS: clock.instant(minute)}
    assert "not known" in run("secret", "status", *DEPLOYED).stdout


def test_where_nothing_is_counted_nothing_is_known(calls: Calls) -> None:
    assert "not known" in run("secret", "status").stdout  # on this machine
    calls.fail("GetMetricData", EndpointConnectionError(endpoint_url="https://aws.invalid"))
    with calls.watching(command_line.client("cloudwatch")):
        assert "not known" in run("secret", "status", *DEPLOYED).stdout


@pytest.mark.parametrize(("ago", "retired"), [(timedelta(hours=23), False), (timedelta(hours=25), True)])
def test_a_secret_that_signed_within_a_day_is_not_retired(
    ago: timedelta, retired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated()
    after(timedelta(days=3), monkeypatch)
    signed("SecretPrevious", clock.now() - ago)
    if retired:
        assert "signed with it: 2" in run_asked("secret", "retire", *DEPLOYED, answer="y").stderr
    else:
        with pytest.raises(CommandError, match="once none has come for a day, or say --force"):
            secret("retire", *DEPLOYED, "--yes")
        secret("retire", *DEPLOYED, "--yes", "--force")
    assert accepted() == (NEW.encode(),)


# --- What is not told --------------------------------------------------------------------------------
SAYING: Final = [
    ("set",),
    ("set", "--json"),
    ("rotate",),
    ("rotate", "--json"),
    ("status",),
    ("status", "--json"),
    ("show",),
]


@pytest.mark.parametrize("arguments", SAYING, ids=" ".join)
def test_no_secret_is_said(arguments: tuple[str, ...]) -> None:
    said = secret(*arguments, given=NEW).output
    assert [value for value in (OLD, NEW) if value in said] == []


@pytest.mark.parametrize("given", [f"{NEW}\n{NEW}".encode(), NEW.encode() + b"\xe9"])
def test_no_error_quotes_a_secret(given: bytes) -> None:
    with pytest.raises(CommandError) as error:
        secret("set", given=given)
    assert NEW not in "".join(traceback.format_exception(error.value))


def test_the_secret_is_shown_to_whoever_wants_it_printed() -> None:
    assert run("secret", "show", "--yes-print-it").stdout == f"{OLD}\n"
    assert run_json("secret", "show", "--yes-print-it") == {"secret": OLD}


def test_without_that_word_it_is_wrong_usage() -> None:
    assert run("secret", "show").exit_code == 2


@pytest.mark.parametrize("answer", ["y", "n"])
def test_at_a_terminal_one_is_asked_whether_to_print_it(answer: str) -> None:
    result = run_asked("secret", "show", answer=answer)
    assert (OLD in result.stdout, result.exit_code) == ((True, 0) if answer == "y" else (False, 1))


# --- As Secrets Manager answers ----------------------------------------------------------------------
def test_all_pages_of_versions_are_read(secretsmanager: "SecretsManagerClient", calls: Calls, now: datetime) -> None:
    pages = [({"VersionId": OTHER, "CreatedDate": now, "VersionStages": [stage]}) for stage in (PREVIOUS, CURRENT)]
    calls.answer("ListSecretVersionIds", {"Versions": [pages[0]], "NextToken": "more"})
    calls.answer("ListSecretVersionIds", {"Versions": [pages[1], {"VersionId": OTHER, "CreatedDate": now}]})
    assert SecretVersions(secretsmanager, "SigningSecret").staged() == [
        Version(OTHER, [CURRENT], now),
        Version(OTHER, [PREVIOUS], now),
    ]
    assert [call.get("NextToken") for call in calls.of("ListSecretVersionIds")] == [None, "more"]


# --- Short ones --------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", ["set", "rotate"])
def test_a_short_secret_is_refused(command: str) -> None:
    with pytest.raises(CommandError, match="short secrets can be guessed"):
        secret(command, given="fifteen letters")
    assert list(accepted()) == [OLD.encode()]


@pytest.mark.parametrize("command", ["set", "rotate"])
def test_a_short_secret_is_taken_by_force(command: str) -> None:
    secret(command, "--force", given="fifteen letters")
    assert accepted()[0] == b"fifteen letters"
