"""Licence, workflows, hooks and the release: what is published is whole, and what these files run exists."""

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.deployed import TEMPLATE
from tests.support.emulated import variables_of
from tests.support.pages import of_all_pages
from tests.support.sam_command import sam
from wickiepay_cli.local.emulator import emulator
from wickiepay_cli.project import PROJECT

PYPROJECT: Final = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
SAMCONFIG: Final = tomllib.loads((PROJECT / "samconfig.toml").read_text())
WORKFLOWS: Final = {path.name: path for path in sorted((PROJECT / ".github/workflows").glob("*.yml"))}
HOOKS: Final = [
    hook
    for repository in yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
]

of_each_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def workflow(name: str) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(WORKFLOWS[name].read_text())
    return content


def steps() -> list[dict[str, Any]]:
    jobs = [job for name in WORKFLOWS for job in workflow(name)["jobs"].values()]
    return [step for job in jobs for step in job.get("steps", [])]


RUN: Final = [shlex.split(step["run"]) for step in steps() if "run" in step]
USED: Final = sorted({step["uses"] for step in steps() if "uses" in step})


def exists(command: list[str]) -> bool:
    """Whether a command is one of the project's: a file that can be run, a target of make, or the locked sam."""
    match command:
        case ["make", *targets]:
            make = shutil.which("make")
            assert make
            done = subprocess.run([make, "--dry-run", *targets], cwd=PROJECT, capture_output=True, check=False)
            return done.returncode == 0
        case [".venv-sam/bin/sam", *_]:
            return "aws-sam-cli==" in (PROJECT / "requirements/sam.txt").read_text()
        case ["sudo", "apt-get", "install", "--yes", *_]:
            return True  # the runner's own
        case [program]:
            return os.access(PROJECT / program, os.X_OK)
    return False


# --- The licence ---------------------------------------------------------------------------------


def test_the_licence_is_the_one_that_is_named() -> None:
    assert (PROJECT / "LICENSE").read_text().startswith("MIT License\n\nCopyright (c) ")
    assert (PYPROJECT["license"], PYPROJECT["license-files"]) == ("MIT", ["LICENSE"])


# --- What the Serverless Application Repository is told ------------------------------------------


def release() -> dict[str, Any]:
    about: dict[str, Any] = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    return about


def test_a_release_has_the_version_and_the_licence_of_the_project() -> None:
    assert release()["SemanticVersion"] == PYPROJECT["version"]
    assert release()["SpdxLicenseId"] == PYPROJECT["license"]


@pytest.mark.parametrize("named", ["LicenseUrl", "ReadmeUrl"])
def test_a_release_names_files_that_there_are(named: str) -> None:
    assert (PROJECT / release()[named]).is_file()


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Name", r"[a-zA-Z0-9-]{1,140}"),
        ("Description", r".{1,256}"),
        ("Author", r"(?=.{1,127}$)[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?"),
        ("SemanticVersion", r"\d+\.\d+\.\d+"),
    ],
    ids=["Name", "Description", "Author", "SemanticVersion"],
)
def test_a_release_is_described_as_the_repository_asks_for(name: str, pattern: str) -> None:
    assert re.fullmatch(pattern, release()[name])


def test_a_release_has_labels_as_the_repository_takes_them() -> None:
    labels = release()["Labels"]

    assert 0 < len(labels) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in labels)


def test_no_function_may_change_roles() -> None:
    """The repository refuses what may; so does common sense."""
    assert "iam:" not in json.dumps([r["Properties"] for r in TEMPLATE["Resources"].values() if "Role" in r["Type"]])


@contextmanager
def application_repository() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Stands in for the repository: where it listens, and the applications that were sent to it."""
    applications: list[dict[str, Any]] = []

    class Repository(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            applications.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(b'{"applicationId": "arn:aws:serverlessrepo:us-east-1:123456789012:applications/it"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", applications
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.sam
def test_what_was_built_is_packaged_and_published(build: Path, tmp_path: Path) -> None:
    packaged = tmp_path / "packaged.yaml"
    with emulator(tmp_path) as running, application_repository() as (url, applications):
        running.access.client("s3").create_bucket(Bucket="artifacts")
        where = {
            **variables_of(running.access),
            "AWS_ENDPOINT_URL_SERVERLESSAPPLICATIONREPOSITORY": url,
        }
        sam(
            "package",
            *("--template-file", build / "template.yaml", "--s3-bucket", "artifacts"),
            *("--output-template-file", packaged),
            **where,
        )
        sam("publish", "--template", packaged, "--fail-on-same-version", **where)

    [application] = applications
    assert (application["name"], application["semanticVersion"]) == (PYPROJECT["name"], PYPROJECT["version"])
    assert application["licenseUrl"].startswith("s3://artifacts/")
    assert application["readmeUrl"].startswith("s3://artifacts/")
    for resource in re.findall(r"(?:CodeUri|ContentUri): (\S+)", application["templateBody"]):
        assert resource.startswith("s3://artifacts/")


# --- Workflows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", RUN, ids=shlex.join)
def test_a_workflow_runs_what_there_is(command: list[str]) -> None:
    assert exists(command)


@pytest.mark.sam
@pytest.mark.parametrize("command", [c for c in RUN if c[0].endswith("/sam")], ids=shlex.join)
def test_a_workflow_gives_sam_options_that_it_has(command: list[str]) -> None:
    assert not unknown_options(command)


@of_each_workflow
def test_a_workflow_knows_no_secrets(name: str) -> None:
    assert not re.search(r"secrets\b|aws-access-key|aws-secret", WORKFLOWS[name].read_text(), re.IGNORECASE)


@of_each_workflow
def test_a_workflow_has_few_permissions(name: str) -> None:
    content = workflow(name)
    assert content["permissions"] in ({}, {"contents": "read"})
    for job in content["jobs"].values():
        assert job.get("permissions", {}).items() <= {"contents": "read", "id-token": "write"}.items()


@of_each_workflow
def test_a_workflow_ends_and_does_not_pile_up(name: str) -> None:
    content = workflow(name)
    assert content["concurrency"]["group"]
    assert all("timeout-minutes" in job or "uses" in job for job in content["jobs"].values())


@pytest.mark.parametrize("action", USED)
def test_an_action_is_of_github_or_aws_and_pinned_by_commit(action: str) -> None:
    assert re.fullmatch(r"(actions|aws-actions)/[a-z-]+@[0-9a-f]{40}", action)


@of_each_workflow
def test_beside_a_commit_stands_its_version(name: str) -> None:
    lines = [line for line in WORKFLOWS[name].read_text().splitlines() if re.search(r"@[0-9a-f]{40}", line)]
    assert all(re.search(r" # v\d+\.\d+\.\d+$", line) for line in lines)


def test_checks_run_before_a_merge_and_after() -> None:
    when = workflow("check.yml")[True]  # what YAML takes the word "on" for
    assert when["push"] == {"branches": ["main"]}
    assert "pull_request" in when


def test_nothing_is_deployed_that_the_checks_did_not_pass() -> None:
    jobs = workflow("deploy.yml")["jobs"]
    assert jobs["check"]["uses"] == "./.github/workflows/check.yml"
    assert jobs["deploy"]["needs"] == "check"


def test_deployments_go_to_the_environments_that_there_are() -> None:
    deploy = workflow("deploy.yml")
    offered = deploy[True]["workflow_dispatch"]["inputs"]["environment"]["options"]
    expression = "${{ inputs.environment == 'sandbox' && 'default' || inputs.environment }}"

    assert deploy["jobs"]["deploy"]["env"]["CONFIG_ENV"] == expression
    assert {"default" if name == "sandbox" else name for name in offered} == SAMCONFIG.keys() - {"version"}


def test_the_role_lasts_as_long_as_the_job() -> None:
    job = workflow("deploy.yml")["jobs"]["deploy"]
    [role] = [step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]

    assert role["role-to-assume"] == "${{ vars.DEPLOY_ROLE_ARN }}"
    assert role["role-duration-seconds"] >= job["timeout-minutes"] * 60


# --- Hooks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_what_there_is_and_fetches_nothing(hook: dict[str, Any]) -> None:
    assert exists(shlex.split(hook["entry"]))
    assert hook["language"] == "system"


def test_all_hooks_are_the_projects_own() -> None:
    repositories = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}


# --- What the pages tell to type -----------------------------------------------------------------


def unknown_options(command: list[str]) -> set[str]:
    """The options of a command of sam that it does not have."""
    _, name, *arguments = command
    known = set(re.findall(r"--[a-z0-9-]+", sam(name, "--help").stdout))
    return {argument for argument in arguments if argument.startswith("--")} - known


@pytest.mark.sam
@pytest.mark.parametrize("line", sorted({shlex.join(command) for command in of_all_pages("sam")}))
def test_a_command_of_sam_has_options_that_exist(line: str) -> None:
    assert not unknown_options(shlex.split(line))
