"""What `sam build` makes of the project, and a local stack for what the functions find on AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulated import variables_of
from tests.support.sam_command import sam
from wickiepay_cli.local.run import running_stack
from wickiepay_cli.project import DEFAULT_SIGNING_SECRET
from wickiepay_cli.stacks.local_stack import LocalStack


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `sam build` makes of the project, from nothing."""
    folder = tmp_path_factory.mktemp("sam")
    sam("build", "--build-dir", folder / "build", "--cache-dir", folder / "cache")
    return folder / "build"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack, for what the functions find on AWS."""
    with running_stack(tmp_path_factory.mktemp("local"), port=0, signing_secret=DEFAULT_SIGNING_SECRET) as running:
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
        "MONITORING": "full",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "test",
        "AWS_REGION": stack.region,
        **variables_of(stack.aws),
    }
