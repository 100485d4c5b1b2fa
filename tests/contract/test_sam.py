"""What `sam` makes of the template: it is valid, it builds, what is built runs as on Lambda, and it can be deployed."""

import io
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.support.account import Account
from tests.support.deployed import FUNCTIONS
from tests.support.emulated import variables_of
from tests.support.lambda_emulator import Invoke, in_lambda_emulator
from tests.support.sam_command import sam
from tests.support.samples_expected import ANSWERS, function_of
from wickiepay_cli.local.deploy import transform
from wickiepay_cli.local.emulator_patches import patch_template
from wickiepay_cli.local.packages import function_package, layer_package
from wickiepay_cli.project import EVENTS, PROJECT
from wickiepay_cli.stacks.local_stack import LocalStack

pytestmark = pytest.mark.sam

SAMCONFIG: Final = PROJECT / "samconfig.toml"


def test_the_template_is_valid_by_the_rules_of_cfn_lint() -> None:
    sam("validate", "--lint")


# --- What is built -------------------------------------------------------------------------------


def built(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def packed(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        return {name: files.read(name) for name in files.namelist()}


@pytest.mark.parametrize(("module", "function"), FUNCTIONS.items())
def test_a_function_is_built_as_the_local_stack_has_it(build: Path, module: str, function: str) -> None:
    assert built(build / function) == packed(function_package(PROJECT / "functions" / module))


def test_the_layer_is_built_as_the_local_stack_has_it(build: Path) -> None:
    assert built(build / "WickiePayLayer") == packed(layer_package(PROJECT / "layers/wickiepay"))


def test_the_layer_is_made_from_its_own_folder_alone(build: Path, tmp_path: Path) -> None:
    """As in the container of `sam build --use-container`, which has no other folder."""
    shutil.copytree(PROJECT / "layers/wickiepay", tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__"))

    settings = [f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={tmp_path / 'made'}"]
    subprocess.run(["make", "build-WickiePayLayer", *settings], cwd=tmp_path / "source", check=True, timeout=120)

    assert built(tmp_path / "made") == built(build / "WickiePayLayer")


def test_the_reconcilers_layer_is_compiled_for_arm64_and_has_our_packages(build: Path) -> None:
    """An ELF file names its machine in two bytes: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html."""
    layer = build / "ProviderLayer/python"
    compiled = {path.name: path.read_bytes()[18:20] for path in layer.rglob("*.so")}
    arm64 = (183).to_bytes(2, "little")

    assert {name.partition(".")[0]: machine for name, machine in compiled.items()} == {
        "_cffi_backend": arm64,
        "_rust": arm64,
    }
    assert built(layer / "wickiepay_api").keys() == sources("wickiepay_api")
    assert built(layer / "wickiepay_reconcile").keys() == sources("wickiepay_reconcile")
    assert not [path for path in layer.rglob("*") if path.name in {"__pycache__", "bin"}]


def sources(package: str) -> set[str]:
    folder = PROJECT / "layers/provider" / package
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_a_second_build_takes_the_layer_that_the_first_has_made(build: Path) -> None:
    before = built(build)

    again = sam("build", "--build-dir", build, "--cache-dir", build.parent / "cache")

    assert "WickiePayLayer: Running" not in again.stderr
    assert built(build) == before


def test_the_example_of_a_subscriber_is_built_whole(tmp_path: Path) -> None:
    template = PROJECT / "examples/subscriber/template.yaml"

    sam("build", "--template", template, "--build-dir", tmp_path / "build", "--cache-dir", tmp_path / "cache")

    function = tmp_path / "build/OrderUpdates"
    assert {"order_updates.py", "announcement.py", "aws_lambda_powertools"} <= {
        path.name for path in function.iterdir()
    }
    assert (function / "wickiepay_books").is_dir()
    assert not (function / "wickiepay_books").is_symlink()
    assert list(function.glob("pydantic_core/*aarch64*"))


# --- What is built runs --------------------------------------------------------------------------


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
@pytest.mark.parametrize(("invoke", "sample"), [(function_of(name), name) for name in ANSWERS], indirect=["invoke"])
def test_a_built_function_answers_its_samples(invoke: Invoke, sample: str) -> None:
    answer = invoke(EVENTS / sample)

    assert answer | ANSWERS[sample] == answer


# --- What is built can be deployed ---------------------------------------------------------------


@pytest.mark.parametrize("environment", ["default", "prod"])
def test_sam_deploys_what_was_built(build: Path, stack: LocalStack, tmp_path: Path, environment: str) -> None:
    """To the emulator: with the settings of samconfig.toml, no capability but theirs, and what `make run` prepares."""
    settings = tomllib.loads(SAMCONFIG.read_text())[environment]["deploy"]["parameters"]
    overrides = dict(override.split("=") for override in settings.get("parameter_overrides", []))
    prepared = tmp_path / "prepared.json"

    def on_emulator(command: str, template: Path, *options: str | Path) -> str:
        """What `sam` says that it did there."""
        done = sam(
            command,
            *("--config-file", SAMCONFIG, "--config-env", environment, "--template-file", template, *options),
            answer="y",
            **variables_of(stack.aws),
        )
        return done.stdout

    on_emulator(
        "package", build / "template.yaml", "--resolve-s3", "--output-template-file", tmp_path / "packaged.yaml"
    )
    template = transform(yaml_parse((tmp_path / "packaged.yaml").read_text()), overrides)
    patch_template(template, stack.webhook_url)
    prepared.write_text(json.dumps(template))

    assert "Successfully created/updated stack" in on_emulator("deploy", prepared)

    [deployed] = stack.client("cloudformation").describe_stacks(StackName=settings["stack_name"])["Stacks"]
    assert deployed["StackStatus"] == "CREATE_COMPLETE"
    assert {f"{tag['Key']}={tag['Value']}" for tag in deployed["Tags"]} == set(settings["tags"])
    listener = Account(stack.aws).listener(settings["stack_name"])
    assert listener.stack.parameters.items() >= overrides.items()
    assert listener.stack.outputs.keys() == stack.outputs.keys()
    assert listener.deliver("u-1") == 200
    assert listener.end("u-1") == "PROCESSED"

    assert "No changes to deploy" in on_emulator("deploy", prepared)
