"""What is installed is pinned, and the same from wherever it is installed."""

import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from wickiepay_build.packages import downloaded

PROJECT = Path(__file__).parents[2]
WANTED = sorted(PROJECT.glob("requirements/*.in"))
LOCKED = [*sorted(PROJECT.glob("requirements/*.txt")), PROJECT / "layers/wickiepay/requirements.txt"]

by_name = pytest.mark.parametrize("path", LOCKED, ids=lambda path: str(path.relative_to(PROJECT)))


def pins(lock: Path) -> dict[str, str]:
    """The version that `lock` holds of each package."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", WANTED + LOCKED, ids=lambda path: str(path.relative_to(PROJECT)))
@pytest.mark.parametrize(
    "address",
    [
        r"\w://",
        r"\bfile:",
        r"\s@\s",  # name @ where it is
        r"^-(i|f|-index-url|-extra-index-url|-find-links)\b",
        r"(?<![\w.-])[/~]\w",
        r"\b[A-Z]:\\",
    ],
)
def test_requirements_name_no_address_and_no_path_of_a_machine(path: Path, address: str) -> None:
    assert not re.findall(address, path.read_text(), re.MULTILINE)


@by_name
def test_every_locked_package_is_one_version_with_its_hashes(path: Path) -> None:
    entries = [line for line in path.read_text().splitlines() if line and not line.lstrip().startswith("#")]

    assert entries
    for line, following in pairwise([*entries, "end"]):
        if line.startswith(" "):
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line)
        else:
            assert re.match(r"[a-z0-9._-]+==[^\s*]+ ", line)
            assert following.startswith("    --hash=")


@pytest.mark.parametrize("lock", ["layers/wickiepay/requirements.txt", "requirements/run.txt"])
def test_the_tests_run_with_what_is_deployed_and_run(lock: str) -> None:
    assert pins(PROJECT / lock).items() <= pins(PROJECT / "requirements/dev.txt").items()


def test_the_layer_brings_the_sdk_in_the_tested_version_and_nothing_on_top_of_it() -> None:
    layer = pins(PROJECT / "layers/wickiepay/requirements.txt")

    assert layer["botocore"] == pins(PROJECT / "requirements/dev.txt")["botocore"]
    assert not {"boto3", "s3transfer"} & layer.keys()


@pytest.fixture
def refused_by_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's settings that pip refuses in an environment, for a folder, or outside an environment."""
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")


@pytest.mark.usefixtures("refused_by_pip")
def test_the_layer_is_built_whatever_the_users_pip_is_set_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = tmp_path / "requirements.txt"
    nothing.touch()
    monkeypatch.setattr(sys, "executable", sys._base_executable)  # type: ignore[attr-defined]  # outside an environment

    with downloaded(nothing) as site:
        assert not list(site.iterdir())


@pytest.mark.usefixtures("refused_by_pip")
def test_environments_are_made_whatever_the_users_pip_is_set_to(tmp_path: Path) -> None:
    nothing = tmp_path / "requirements.txt"
    nothing.touch()
    rule = f"nothing: ; @{sys.executable} $(PIP_INSTALL) -qq --requirement {nothing}"

    subprocess.run(["make", f"--eval={rule}", "nothing"], cwd=PROJECT, check=True)


def test_one_version_of_python_everywhere() -> None:
    version = (PROJECT / ".python-version").read_text().strip()
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())

    assert project["project"]["requires-python"].startswith(f">={version},")
    assert project["tool"]["mypy"]["python_version"] == version
    assert set(re.findall(r"python3\.\d+", (PROJECT / "template.yaml").read_text())) == {f"python{version}"}
