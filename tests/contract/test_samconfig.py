"""The environments of samconfig.toml: what they say is something that the template takes, and tells them apart."""

import tomllib
from typing import Any, Final

import pytest

from tests.support.cloudformation import Template, allows
from tests.support.deployed import TEMPLATE
from wickiepay_cli.project import PROJECT

SAMCONFIG: Final = tomllib.loads((PROJECT / "samconfig.toml").read_text())
ENVIRONMENTS: Final = [name for name in SAMCONFIG if name != "version"]

in_every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def deployment(environment: str) -> dict[str, Any]:
    parameters: dict[str, Any] = SAMCONFIG[environment]["deploy"]["parameters"]
    return parameters


def overrides(environment: str) -> dict[str, str]:
    """The parameters that an environment sets, and to what."""
    return dict(text.split("=", 1) for text in deployment(environment).get("parameter_overrides", []))


def test_there_is_a_sandbox_by_default_and_one_environment_for_the_real_thing() -> None:
    assert ENVIRONMENTS == ["default", "prod"]


@in_every_environment
def test_an_environment_sets_parameters_that_there_are_to_values_that_they_may_have(environment: str) -> None:
    for name, value in overrides(environment).items():
        assert allows(TEMPLATE["Parameters"][name], value)
    assert not Template(TEMPLATE).stack(**overrides(environment)).refused()


@in_every_environment
def test_everything_in_an_environment_is_tagged_with_what_it_is_of(environment: str) -> None:
    tags = dict(tag.split("=") for tag in deployment(environment)["tags"])
    assert tags["application"] == "wickiepay-webhook-listener"
    assert tags["environment"] == deployment(environment)["stack_name"].removeprefix("wickiepay-")


def test_the_environments_are_stacks_of_their_own() -> None:
    names = [deployment(environment)["stack_name"] for environment in ENVIRONMENTS]
    assert len(set(names)) == len(names)


def test_the_sandbox_waits_for_no_rollout() -> None:
    assert overrides("default")["Rollout"] == "AllAtOnce"


def test_the_real_thing_is_rolled_out_bit_by_bit_and_asks_first() -> None:
    # A stack keeps what it was last told, so a canary that stood here as a default alone would not come back.
    assert overrides("prod")["Rollout"].startswith("Canary")
    assert deployment("prod")["confirm_changeset"] is True


@in_every_environment
def test_a_snapshot_is_for_who_asks_for_it(environment: str) -> None:
    assert overrides(environment).get("SnapStart", TEMPLATE["Parameters"]["SnapStart"]["Default"]) == "off"


@in_every_environment
def test_a_deployment_needs_no_more_than_to_make_roles_without_names(environment: str) -> None:
    assert deployment(environment)["capabilities"] == "CAPABILITY_IAM"
