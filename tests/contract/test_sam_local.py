"""`sam local invoke`: the built functions in containers, as AWS SAM's users try them out."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.support.container_engine import Engine, NoEngine, container_engine
from tests.support.lambda_image import architecture, lambda_image
from tests.support.sam_command import sam
from tests.support.samples_expected import ANSWERS, function_of
from tests.support.tunnel import tunnel
from wickiepay_cli.project import EVENTS, PAYLOADS, SAVED

type Invoke = Callable[[str], Any]
"""A sample → what its function answers. Where the function fails, so does this, with what it printed."""


def test_every_sample_has_its_answer() -> None:
    files = [path for path in EVENTS.rglob("*.json") if path.parent not in {PAYLOADS, SAVED}]
    samples = {path.relative_to(EVENTS).as_posix() for path in files}

    assert samples == ANSWERS.keys()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The container engine that is used; without one, the test is skipped."""
    with ExitStack() as cleanup:
        try:
            yield cleanup.enter_context(container_engine())
        except NoEngine as reason:
            pytest.skip(str(reason))


@pytest.fixture(scope="module")
def image(engine: Engine, pytestconfig: pytest.Config) -> Iterator[str]:
    """The name of the image that containers are made of; it is told, since it says what the tests are worth."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with lambda_image(engine) as image:
        with capture.global_and_fixture_disabled():
            print(f"\nContainers of {image} in the engine at {engine.address}")
        yield image


@pytest.fixture(scope="module")
def aws(engine: Engine, image: str, variables: Mapping[str, str]) -> Iterator[str]:
    """The local stack's AWS, as containers have to address it."""
    with tunnel(engine, image, variables["AWS_ENDPOINT_URL"].removeprefix("http://")) as address:
        yield f"http://{address}"


@pytest.fixture(scope="module")
def invoke(
    build: Path,
    engine: Engine,
    image: str,
    aws: str,
    variables: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Invoke:
    """Invokes a function with a sample."""
    folder = tmp_path_factory.mktemp("local")
    # SAM gives a function only the variables that the template names, and this machine may have another architecture.
    template = yaml_parse((build / "template.yaml").read_text())
    template["Globals"]["Function"] |= {
        "Architectures": [architecture()],
        "Environment": {"Variables": {"AWS_ENDPOINT_URL": ""}},
    }
    (build / "local.json").write_text(json.dumps(template))  # beside the code, which it names from there
    (folder / "variables.json").write_text(json.dumps({"Parameters": {**variables, "AWS_ENDPOINT_URL": aws}}))

    def invoke(sample: str) -> Any:  # noqa: ANN401  whatever the function answers
        done = sam(
            *("local", "invoke", function_of(sample), "--event", EVENTS / sample),
            *("--template-file", build / "local.json", "--env-vars", folder / "variables.json"),
            *("--invoke-image", image, "--skip-pull-image", "--layer-cache-basedir", folder),
            DOCKER_HOST=engine.address,
            **{name: value for name, value in variables.items() if name.startswith("AWS_")},  # it asks who it is
        )
        # Even where a function fails, sam succeeds: only the answer tells.
        answer = json.loads(done.stdout)
        assert "errorType" not in answer, done.stderr
        return answer

    return invoke


@pytest.mark.needs_docker
@pytest.mark.parametrize("sample", ANSWERS)
def test_a_function_in_a_container_answers_its_sample(invoke: Invoke, sample: str) -> None:
    answer = invoke(sample)

    assert answer | ANSWERS[sample] == answer
