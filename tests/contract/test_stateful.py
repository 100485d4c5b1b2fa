"""An update of a stack never replaces what holds something: tables, secret, queues, bus, logs, the API's address."""

import copy
import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from tests.support.cloudformation import Template, Tree
from tests.support.deployed import TEMPLATE
from tests.support.lambda_emulator import SAM
from tests.support.stateful import CREATE_ONLY, GOLDEN, losses, stateful
from wickiepay_cli.local.deploy import DEFAULTS

type Change = Callable[[Tree], Any]
"""Changes the resources of a template."""

EVERY_PARAMETER: Final[Mapping[str, str]] = {
    "AcceptedSchemes": "raw",
    "AccountField": "metadata.customerId",
    "AlarmEmail": "alarms@example.com",
    "Announcements": "off",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a",
    "ConsumerBatchingWindow": "1",
    "ConsumerMaximumConcurrency": "2",
    "CustomerKeyArn": "arn:aws:kms:us-east-1:123456789012:key/0a",
    "DomainName": "hooks.example.com",
    "EventRetentionDays": "35",
    "HostedZoneId": "Z0A",
    "IngestReservedConcurrency": "1",
    "LogRetentionDays": "1",
    "Monitoring": "lean",
    "ProviderAlgorithm": "rsa-pss-sha512",
    "ProviderBaseUrl": "https://api.example.com",
    "ProviderClientId": "client",
    "ProviderDestinationId": "destination",
    "ProviderMerchantId": "merchant",
    "ReconcileDays": "7",
    "ReconcileUnknownPercent": "10",
    "Rollout": "AllAtOnce",
    "RunbookUrl": "https://example.com",
    "SnapStart": "on",
    "SourceAllowList": "192.0.2.0/24",
    "ThrottleBurst": "1",
    "ThrottleRate": "1",
    "TruststoreUri": "s3://bucket/key",
    "TruststoreVersion": "1",
}


def now(template: Tree = TEMPLATE, values: Mapping[str, str] = DEFAULTS) -> dict[str, Tree]:
    return stateful(Template(template).stack(**values).resources)


def golden() -> dict[str, Tree]:
    kept: dict[str, Tree] = json.loads(GOLDEN.read_text())
    return kept


# --- The template --------------------------------------------------------------------------------


def test_no_update_replaces_what_holds_something() -> None:
    assert not list(losses(golden(), now()))


def test_all_that_holds_something_is_watched() -> None:
    assert now().keys() == golden().keys(), (
        "Once stacks have this, write the golden file anew: see tests/support/stateful.py."
    )


def test_no_parameter_replaces_what_holds_something() -> None:
    assert EVERY_PARAMETER.keys() == TEMPLATE["Parameters"].keys()
    assert now(values=EVERY_PARAMETER).items() >= now().items()


# --- The check itself ----------------------------------------------------------------------------


def changed(change: Change) -> Tree:
    """A copy of the template, with that change."""
    template: Tree = copy.deepcopy(TEMPLATE)
    change(template["Resources"])
    return template


def properties(resources: Tree, name: str) -> Any:  # noqa: ANN401  a part of a template
    return resources[name].setdefault("Properties", {})


def add_indexes(resources: Tree, *names: str) -> None:
    indexes = properties(resources, "EventTable")["GlobalSecondaryIndexes"]
    indexes += [{**indexes[0], "IndexName": name} for name in names]


def swap_keys(keyed: Tree) -> None:
    first, second = keyed["KeySchema"]
    first["AttributeName"], second["AttributeName"] = second["AttributeName"], first["AttributeName"]


BREAKING: Final[dict[str, Change]] = {
    'EventTable would be replaced: TableName is "events", and was null': (
        lambda r: properties(r, "EventTable").update(TableName="events")
    ),
    "LedgerTable would be replaced: KeySchema is": lambda r: swap_keys(properties(r, "LedgerTable")),
    'EventTable would be replaced: KeyTypes is ["B", "S"], and was ["S", "S"]': (
        lambda r: properties(r, "EventTable")["AttributeDefinitions"][0].update(AttributeType="B")
    ),
    "SigningSecret would be replaced: Name is": lambda r: properties(r, "SigningSecret").update(Name="secret"),
    "EventQueue would be replaced: FifoQueue is": lambda r: properties(r, "EventQueue").update(FifoQueue=True),
    "DeadLetterQueue would be replaced: QueueName is": lambda r: properties(r, "DeadLetterQueue").update(QueueName="q"),
    'EventBus would be replaced: Name is "events", and was': lambda r: properties(r, "EventBus").update(Name="events"),
    "EventQueue would be replaced: Type is": lambda r: r["EventQueue"].update(Type="AWS::SNS::Topic"),
    "EventTable would leave the stack": lambda r: r.update(Events=r.pop("EventTable")),
    "LedgerTable would leave the stack": lambda r: r["LedgerTable"].update(Condition="HasDomain"),
    "EventTable would not be updated: in one update one index may come or go, and here ['by_scheme', 'by_state'] do": (
        lambda r: add_indexes(r, "by_state", "by_scheme")
    ),
    "LedgerTable would not be updated: in one update one index may come or go, and here ['by_reference', 'by_ref": (
        lambda r: swap_keys(properties(r, "LedgerTable")["GlobalSecondaryIndexes"][0])
    ),
}


@pytest.mark.parametrize("said", BREAKING)
def test_what_would_be_replaced_is_told(said: str) -> None:
    told = losses(now(), now(changed(BREAKING[said])))
    assert [loss[: len(said)] for loss in told].count(said) == 1


HARMLESS: Final[dict[str, Change]] = {
    "an index more": lambda r: add_indexes(r, "by_state"),
    "an index less": lambda r: properties(r, "EventTable")["GlobalSecondaryIndexes"].pop(),
    "no expiry": lambda r: properties(r, "EventTable").update(TimeToLiveSpecification={"Enabled": False}),
    "a longer time-out": lambda r: properties(r, "EventQueue").update(VisibilityTimeout=600),
    "another key": lambda r: properties(r, "SigningSecret").update(KmsKeyId="alias/key"),
    "no alarm": lambda r: r.pop("ForgedAlarm"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_changed_in_place_is_not(what: str) -> None:
    assert not list(losses(now(), now(changed(HARMLESS[what]))))


SCHEMAS: Final = """
import json, sys
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as schemas
parts = "createOnlyProperties", "conditionalCreateOnlyProperties"
of = lambda schema: sorted(path.split("/")[2] for part in parts for path in schema.get(part, []))
json.dump({name: of(schemas.get_resource_schema("us-east-1", name).schema) for name in sys.argv[1:]}, sys.stdout)
"""


@pytest.mark.sam
def test_the_properties_that_replace_a_resource_are_those_of_cloudformations_schemas() -> None:
    done = subprocess.run([SAM / "python", "-c", SCHEMAS, *CREATE_ONLY], capture_output=True, check=True)
    assert json.loads(done.stdout) == {name: sorted(known) for name, known in CREATE_ONLY.items()}
