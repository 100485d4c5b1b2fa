"""`wickiepay provider`: keys that nobody sees, and destinations that somebody agreed to, on a simulated provider."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from typer.testing import CliRunner, Result

from tests.support import command_line
from tests.support.command_line import run, run_asked, run_json
from tests.support.provider import rsa_key
from wickiepay_api.keys import keys_in, public_pem
from wickiepay_cli.app import app
from wickiepay_cli.commands.provider.beside import Beside
from wickiepay_cli.commands.provider.destinations import all_events
from wickiepay_cli.errors import CommandError
from wickiepay_cli.simulator.portal import CLIENT_ID, Portal, beside_a_stack, key_in
from wickiepay_cli.simulator.provider import MERCHANT_ID, Destination
from wickiepay_cli.stacks import stack
from wickiepay_cli.stacks.stack import Stack, Where

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

SECRET: Final = "ProviderApiKeySecret"
URL: Final = command_line.OUTPUTS["WebhookUrl"]
CREATE, STATUS = ("provider", "key", "create"), ("provider", "key", "status")
ADD, UPDATE = ("provider", "destinations", "add"), ("provider", "destinations", "update")
LIST, REMOVE = ("provider", "destinations", "list"), ("provider", "destinations", "remove")


@dataclass(slots=True)
class Asked:
    """What `find` finds, whatever is asked for."""

    found: Stack

    def set(self, **parameters: str) -> None:
        self.found = replace(self.found, parameters={**self.found.parameters, **parameters})


@pytest.fixture
def portal() -> Iterator[Portal]:
    with beside_a_stack(seed=1) as portal:
        yield portal


@pytest.fixture(autouse=True)
def made_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key that is made is another one, but of those that were made before: making one takes its time."""
    numbers = count(1)
    monkeypatch.setattr("wickiepay_api.keys.generate_private_key", lambda **_: rsa_key(number=next(numbers)))


@pytest.fixture(autouse=True)
def asked(
    portal: Portal, signing_secret: str, secretsmanager: "SecretsManagerClient", monkeypatch: pytest.MonkeyPatch
) -> Asked:
    """A stack that knows the provider, and has no key yet."""
    secretsmanager.create_secret(Name=SECRET)
    asked = Asked(
        replace(
            command_line.stack(),
            outputs={**command_line.OUTPUTS, "ProviderApiKeySecretArn": SECRET, "SigningSecretArn": signing_secret},
            parameters={"ProviderAlgorithm": "rsa-v1_5-sha256", **portal.parameters},
        )
    )
    monkeypatch.setattr(stack, "find", lambda name, *_: replace(asked.found, asked=Where(name)))
    return asked


@pytest.fixture
def known(portal: Portal) -> Portal:
    """The provider, at which the stack's key is registered."""
    portal.keys[CLIENT_ID] = key_in(run(*CREATE).stdout.encode())
    return portal


def registered(portal: Portal) -> list[Destination]:
    return list(portal.provider.destinations.values())


def stored(client: "SecretsManagerClient") -> str:
    return client.get_secret_value(SecretId=SECRET)["SecretString"]


# --- Keys ---------------------------------------------------------------------------------------------
def test_a_key_is_made_in_the_secret_and_only_its_public_half_is_printed(
    secretsmanager: "SecretsManagerClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run(*CREATE)

    key, _ = keys_in(stored(secretsmanager))["current"]
    assert load_pem_public_key(result.stdout.encode()) == key.public_key()
    assert "PRIVATE" not in result.output
    assert not list(tmp_path.iterdir())
    assert (
        run("provider", "key", "show-public").stdout
        == result.stdout
        == run_json("provider", "key", "show-public")["public_key"]
    )


def test_the_provider_accepts_a_key_that_is_registered(known: Portal) -> None:  # noqa: ARG001
    told = run_json(*STATUS)

    assert (told["accepted"], told["problem"]) == (True, None)
    assert [(key["key"], key["client_id"], key["signs"]) for key in told["keys"]] == [("current", CLIENT_ID, True)]
    assert "The provider accepts it." in run(*STATUS).stdout


def test_a_key_that_is_not_registered_yet_is_told_and_is_an_exit_code() -> None:
    run(*CREATE)

    result = run(*STATUS)

    assert (result.exit_code, "INVALID_CLIENT_ID" in result.stdout) == (1, True)


def test_during_a_rotation_the_provider_accepts_the_key_in_use(known: Portal, asked: Asked) -> None:
    new = run_json(*CREATE)["public_key"]

    before = run_json(*STATUS)
    known.keys["the-new-id"] = key_in(new.encode())
    asked.set(ProviderClientId="the-new-id")
    del known.keys[CLIENT_ID]
    after = run_json(*STATUS)

    assert [key["signs"] for key in before["keys"]] == [False, True]
    assert [(key["client_id"], key["signs"]) for key in after["keys"]] == [("the-new-id", True), (CLIENT_ID, False)]
    assert before["accepted"] is after["accepted"] is True


def test_while_the_previous_key_signs_that_is_said(known: Portal) -> None:  # noqa: ARG001
    run(*CREATE)

    assert "The current key signs once" in run(*STATUS).stdout


def test_a_deployed_stack_gets_a_key_that_somebody_agreed_to(secretsmanager: "SecretsManagerClient") -> None:
    assert run_asked(*CREATE, "--stack", "prod", answer="n").exit_code == 1
    with pytest.raises(ClientError):
        stored(secretsmanager)
    assert run(*CREATE, "--stack", "prod", "--yes").exit_code == 0
    assert stored(secretsmanager)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ProviderClientId": ""}, "ProviderClientId"),
        ({"ProviderMerchantId": "", "ProviderClientId": ""}, "ProviderClientId and ProviderMerchantId"),
        ({"ProviderBaseUrl": "http://127.0.0.1:1"}, "did not answer"),
    ],
    ids=["no client id", "no ids", "nobody there"],
)
def test_what_keeps_the_key_from_being_accepted_is_a_sentence(
    asked: Asked, settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wickiepay_api.transport.ATTEMPTS", 1)
    run(*CREATE)
    asked.set(**settings)

    told = CliRunner().invoke(app, [*STATUS, "--json"])

    assert (told.exit_code, said in json.loads(told.stdout)["problem"]) == (1, True)


@pytest.mark.parametrize("words", [STATUS, ("provider", "key", "show-public"), LIST, ADD], ids=" ".join)
def test_without_a_key_each_command_says_how_to_make_one(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="wickiepay provider key create makes one"):
        run(*words)


@pytest.mark.parametrize("words", [CREATE, STATUS, LIST], ids=" ".join)
def test_a_stack_that_knows_no_provider_says_how_it_would(asked: Asked, words: tuple[str, ...]) -> None:
    asked.found = command_line.stack()

    with pytest.raises(CommandError, match="set the parameter ProviderBaseUrl, and deploy"):
        run(*words, "--stack", "prod")
    with pytest.raises(CommandError, match="use make run PROVIDER=simulated"):
        run(*words)


def test_what_else_secrets_manager_refuses_is_not_taken_for_an_empty_secret(asked: Asked) -> None:
    class Denied:
        def get_secret_value(self, **_: str) -> Any:  # noqa: ANN401  as boto3's
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")

    asked.found = replace(asked.found, client=lambda _: Denied())

    with pytest.raises(ClientError):
        run(*CREATE)


# --- Destinations -------------------------------------------------------------------------------------
def test_registering_takes_the_stack_s_own_address_and_secret(known: Portal, secret: bytes) -> None:
    result = run(*ADD)

    [made] = registered(known)
    assert (made.url, made.secret, list(made.events)) == (URL, secret, all_events())
    assert secret.decode() not in result.output
    assert made.id in result.stdout


def test_all_events_are_meant_unless_some_are_named(known: Portal) -> None:
    assert {"payment.*", "channel.*", "balance.*"} < set(all_events())
    added = run_json(*ADD, "--events", "payment.*,channel.*", "--description", "ours")

    assert (added["events"], added["description"]) == (["payment.*", "channel.*"], "ours")
    assert [made.description for made in registered(known)] == ["ours"]


def test_a_stack_is_registered_once(known: Portal) -> None:
    run(*ADD)

    with pytest.raises(CommandError, match="is registered already"):
        run(*ADD)
    assert len(registered(known)) == 1


def test_the_list_says_which_destination_is_the_stack_s(known: Portal) -> None:
    known.provider.register("https://elsewhere.example.com", ["*"], "", b"")
    with pytest.raises(CommandError, match="is not among them"):
        run(*LIST)
    run(*ADD)

    assert [each["ours"] for each in run_json(*LIST)] == [False, True]
    assert run(*LIST).stdout.count("this stack") == 1


def test_a_destination_is_changed(known: Portal, secret: bytes) -> None:
    made = known.provider.register("https://elsewhere.example.com", ["*"], "", b"another")

    for options in (["--events", "payment.*"], ["--url"], ["--secret"], ["--description", "ours"]):
        assert run(*UPDATE, made.id, *options).exit_code == 0

    assert registered(known) == [Destination(made.id, URL, ("payment.*",), "ours", secret)]


def test_a_change_of_nothing_is_wrong_usage(known: Portal) -> None:  # noqa: ARG001
    assert run(*UPDATE, "D1").exit_code == 2


def test_a_destination_is_removed(known: Portal) -> None:
    made = known.provider.register(URL, ["*"], "", b"")

    assert run(*REMOVE, made.id).exit_code == 0
    assert registered(known) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [(ADD, f"to {URL}"), ((*UPDATE, "{id}", "--secret"), "sign with"), ((*REMOVE, "{id}"), "nothing more")],
    ids=["add", "update", "remove"],
)
def test_on_a_deployed_stack_each_change_is_agreed_to(known: Portal, words: tuple[str, ...], said: str) -> None:
    made = known.provider.register("https://elsewhere.example.com", ["*"], "", b"")
    before = registered(known)
    command = [word.format(id=made.id) for word in words] + ["--stack", "prod"]

    refused = run_asked(*command, answer="n")

    assert (refused.exit_code, said in refused.stderr, registered(known)) == (1, True, before)
    assert run(*command, "--yes").exit_code == 0
    assert registered(known) != before


# --- The provider on this machine -----------------------------------------------------------------------
def test_the_merchant_is_the_one_of_the_events(portal: Portal) -> None:
    step = next(step for step in portal.provider.lives() if step.event == "payment.created")

    assert json.loads(step.body)["data"]["merchantId"] == MERCHANT_ID


@pytest.mark.parametrize("text", ["", "MIIB", public_pem(rsa_key())[:100]], ids=["empty", "no PEM", "half"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="no public RSA key"):
        key_in(text.encode())


def simulate(monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    """How the command ends that somebody stops after a moment."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wickiepay_cli.commands.provider.simulate.wait", stopped)
    return run("provider", "simulate", "--port", "0", *options)


def test_who_simulates_is_told_where_and_at_the_end_what_happened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem = tmp_path / "public.pem"
    pem.write_text(public_pem(rsa_key()))

    result = simulate(monkeypatch, "--public-key", str(pem), "--events", "0")

    assert result.stdout.startswith("The provider's API: http://127.0.0.1:")
    assert f"Client id: {CLIENT_ID}; merchant id: {MERCHANT_ID}" in result.stdout
    assert result.stdout.endswith("0 events happened, 0 were delivered, 0 lost on purpose.\n")


def test_beside_a_stack_a_provider_keeps_its_address(asked: Asked, secretsmanager: "SecretsManagerClient") -> None:
    beside, told = Beside(wanted=True), list[str]()
    for _ in range(2):
        with beside.serving() as parameters:
            asked.set(**parameters)
            with beside.living(asked.found, told.append):
                assert run_json(*STATUS)["accepted"]
        secretsmanager.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
        secretsmanager.create_secret(Name=SECRET)  # the next stack is an empty one

    assert len(told) == 2
    assert {*told} == {
        f"The provider's API: {asked.found.parameter('ProviderBaseUrl')}. The key to it is in the secret {SECRET}"
    }


def test_nobody_has_a_provider_who_does_not_want_one(asked: Asked) -> None:
    beside, told = Beside(wanted=False), list[str]()

    with beside.serving() as parameters, beside.living(asked.found, told.append):
        assert (parameters, told) == ({}, [])
