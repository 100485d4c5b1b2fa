"""What `sam` makes of the template: it is valid, it builds, what is built runs as on Lambda, and it can be deployed."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from lambda_emulator import SAM, Invoke, in_lambda_emulator
from wickiepay_cli.local import DEFAULT_SIGNING_SECRET
from wickiepay_cli.local.emulator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from wickiepay_cli.local.run import local_stack
from wickiepay_cli.local.stack_file import LocalStack

pytestmark = pytest.mark.sam

PROJECT: Final = Path(__file__).parents[2]
EVENTS: Final = PROJECT / "events"
SAMCONFIG: Final = PROJECT / "samconfig.toml"


def sam(*arguments: str | Path, answer: str = "", **variables: str) -> None:
    """Runs the sam command on the project, and answers what it asks; what it prints is shown where it fails."""
    done = subprocess.run(
        [SAM / "sam", *arguments],
        cwd=PROJECT,
        env={
            **os.environ,
            "PATH": f"{SAM}{os.pathsep}{os.environ['PATH']}",  # where it looks for python3.13, to build for
            "SAM_CLI_TELEMETRY": "0",
            **variables,
        },
        input=answer,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_template_is_valid_by_the_rules_of_cfn_lint() -> None:
    sam("validate", "--lint")


# --- What is built -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `sam build` makes of the project, from nothing."""
    folder = tmp_path_factory.mktemp("sam")
    sam("build", "--build-dir", folder / "build", "--cache-dir", folder / "cache")
    return folder / "build"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}


@pytest.mark.parametrize("function", ["ingest", "consumer", "relay"])
def test_a_function_is_built_with_its_own_code_alone(build: Path, function: str) -> None:
    assert files(build / f"{function.capitalize()}Function") == files(PROJECT / "functions" / function)


def test_the_layer_is_built_with_the_shared_package_and_what_it_requires(build: Path) -> None:
    packages = {path.name for path in (build / "WickiePayLayer/python").iterdir() if path.suffix in ("", ".py")}

    assert packages == {"wickiepay", "aws_lambda_powertools", "jmespath", "typing_extensions.py"}


# --- What is built runs --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack, for what the functions find on AWS."""
    with local_stack(tmp_path_factory.mktemp("local"), port=0, signing_secret=DEFAULT_SIGNING_SECRET) as running:
        yield running.stack


@pytest.fixture(scope="module")
def variables(stack: LocalStack) -> dict[str, str]:
    """The environment of the functions: what the template gives them, and where their AWS is."""
    return {
        "EVENT_TABLE": stack.outputs["EventTableName"],
        "EVENT_QUEUE_URL": stack.outputs["EventQueueUrl"],
        "EVENT_QUEUE_MAX_RECEIVES": "100",
        "EVENT_RETENTION_DAYS": "30",
        "EVENT_BUS": stack.outputs["EventBusName"],
        "LEDGER_TABLE": stack.outputs["LedgerTableName"],
        "SIGNING_SECRET_ARN": stack.outputs["SigningSecretArn"],
        "ACCEPTED_SCHEMES": "raw,node,python",
        "SOURCE_ALLOW_LIST": "",
        "ACCOUNT_FIELD": "reference",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "test",
        "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
        "AWS_REGION": stack.region,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }


@pytest.fixture(scope="module")
def invoke(
    request: pytest.FixtureRequest,
    build: Path,
    variables: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Invoke]:
    """Invokes the function that the test names."""
    log = tmp_path_factory.mktemp("log") / "function.log"
    with in_lambda_emulator(build, request.param, variables, log) as invoke:
        yield invoke


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="AWS's Lambda emulator is a program for Linux")


@on_linux
@pytest.mark.parametrize("invoke", ["IngestFunction"], indirect=True)
@pytest.mark.parametrize(
    ("sample", "status"),
    [
        ("wrong_method", 405),
        ("wrong_content_type", 415),
        ("oversized", 413),
        ("missing_signature", 401),
        ("bad_signature", 401),
        ("unusable", 400),
        ("valid", 200),
        ("duplicate", 200),
        ("base64", 200),
        ("valid_node_scheme", 200),
        ("valid_python_scheme", 200),
        ("valid_channel_payment", 200),
        ("valid_deposit", 200),
    ],
)
def test_the_built_ingest_function_answers_its_samples(invoke: Invoke, sample: str, status: int) -> None:
    assert invoke(EVENTS / f"ingest/{sample}.json")["statusCode"] == status


@on_linux
@pytest.mark.parametrize("invoke", ["ConsumerFunction"], indirect=True)
@pytest.mark.parametrize(
    ("sample", "again"),
    [
        ("each_family", []),
        ("mixed_with_poison", ["00000000-0000-4000-8000-000000000002"]),
        ("no_account", []),
        ("replay", []),
        ("unknown_type", []),
        ("unrecorded", []),
    ],
)
def test_the_built_consumer_function_answers_its_samples(invoke: Invoke, sample: str, again: list[str]) -> None:
    answer = invoke(EVENTS / f"consumer/{sample}.json")

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == again


@on_linux
@pytest.mark.parametrize("invoke", ["RelayFunction"], indirect=True)
def test_the_built_relay_function_answers_its_sample(invoke: Invoke) -> None:
    assert invoke(EVENTS / "relay/tick.json") == {"sent": 0}


# --- What is built can be deployed ---------------------------------------------------------------


@pytest.mark.parametrize("environment", ["default", "prod"])
def test_sam_deploys_what_was_built(build: Path, stack: LocalStack, environment: str) -> None:
    """To the emulator, as far as that can tell: with the settings of samconfig.toml, and no capability but theirs."""
    settings = tomllib.loads(SAMCONFIG.read_text())[environment]["deploy"]["parameters"]

    sam(
        "deploy",
        *("--config-file", SAMCONFIG, "--config-env", environment, "--template-file", build / "template.yaml"),
        answer="y",
        AWS_ENDPOINT_URL=stack.aws_endpoint_url,
        AWS_DEFAULT_REGION=stack.region,
        AWS_ACCESS_KEY_ID=ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY=SECRET_ACCESS_KEY,
    )

    [deployed] = stack.client("cloudformation").describe_stacks(StackName=settings["stack_name"])["Stacks"]
    assert deployed["StackStatus"] == "CREATE_COMPLETE"
    assert {output["OutputKey"] for output in deployed["Outputs"]} == set(stack.outputs)
    overrides = dict(override.split("=") for override in settings.get("parameter_overrides", []))
    assert overrides.items() <= {p["ParameterKey"]: p["ParameterValue"] for p in deployed["Parameters"]}.items()
