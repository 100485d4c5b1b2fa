"""What is deployed: small, compiled, and with a pruned SDK that does all that the functions ask of it, in every region.

The programs here run in processes of their own, on the artefacts alone. What they do there they do on botocore as it
comes, too, and it must be the same.
"""

import ast
import importlib.metadata
import inspect
import json
import os
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import botocore.session
import pytest
from botocore import xform_name

from tests.support import artefact_folders
from tests.support.artefact_folders import Artefacts, run_isolated
from tests.support.deployed import FUNCTIONS, environment_of
from wickiepay_build.sdk_data import OPERATIONS
from wickiepay_cli.local import packages
from wickiepay_cli.project import PROJECT

pytestmark = pytest.mark.thorough

MOST_BYTES: Final = 1_500_000
"""Of all packages together."""

SDK: Final = Path(botocore.__file__).parents[1]
"""Where botocore is as it comes."""


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Artefacts:
    return artefact_folders.artefacts(tmp_path_factory.mktemp("artefacts"))


# --- Size, and bytecode --------------------------------------------------------------------------


def test_all_packages_together_are_small(artefacts: Artefacts) -> None:
    assert sum(len(package) for name, package in artefacts.packages.items() if name != "provider") <= MOST_BYTES


def test_the_layer_of_the_reconciler_alone_carries_cryptography_and_for_this_machine(artefacts: Artefacts) -> None:
    """As the local stack has it; what is compiled for arm64 is looked at in `tests/contract/test_sam.py`."""
    compiled = [name for name in files(artefacts.folder) if name.endswith(".so")]
    suffix = sysconfig.get_config_var("EXT_SUFFIX")

    assert f"provider/python/_cffi_backend{suffix}" in compiled
    assert "provider/python/cryptography/hazmat/bindings/_rust.abi3.so" in compiled
    assert {name.partition("/")[0] for name in compiled} == {"provider"}


def test_the_reconciler_signs_with_what_its_layers_have(artefacts: Artefacts) -> None:
    program = (
        "import json\nfrom wickiepay_api.keys import with_new_key\n"
        "from wickiepay_api.client import Access, ProviderApi\n"
        "key = with_new_key(None, '')[1]\n"
        "with ProviderApi(Access('https://api.example', 'client', 'merchant', key)): print(json.dumps('signs'))"
    )

    assert artefacts.run("reconciler", program) == "signs"


def test_every_handler_runs_on_what_the_layer_has(artefacts: Artefacts) -> None:
    names = [path.stem for path in (PROJECT / "functions/consumer/handlers").glob("*.py") if path.stem != "__init__"]
    program = (
        "import importlib, json\nfor name in sys.argv[1:]: importlib.import_module(f'handlers.{name}')\nprint('1')"
    )

    assert artefacts.run("consumer", program, *names) == 1


def test_a_scanner_finds_what_the_layer_brings_with_it(artefacts: Artefacts) -> None:
    pinned = re.findall(r"^(\S+)==(\S+)", (PROJECT / "layers/wickiepay/requirements.txt").read_text(), re.MULTILINE)

    found = importlib.metadata.distributions(path=[str(artefacts.folder / "layer/python")])
    assert {(each.name.lower().replace("_", "-"), each.version) for each in found} == set(pinned)


COMPILED: Final = """
import json
compiled = []
sys.addaudithook(lambda event, of: compiled.append(str(of[1])) if event == "compile" and of[1] else None)
sys.dont_write_bytecode = False
__import__(sys.argv[1])
print(json.dumps([name for name in compiled if "/layer/" in name and name.endswith(".py")]))
"""


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seconds", [0, 2_000_000_000], ids=["long ago", "in years to come"])
def test_the_layers_bytecode_is_used_whatever_the_dates_of_the_files(
    artefacts: Artefacts, function: str, seconds: int
) -> None:
    for path in artefacts.folder.rglob("*"):
        os.utime(path, (seconds, seconds))

    assert artefacts.run(function, COMPILED, function) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_import_writes_nothing_into_the_layer(artefacts: Artefacts, function: str) -> None:
    layer = artefacts.folder / "layer"
    before = files(layer)

    artefacts.run(function, COMPILED, function)

    assert files(layer) == before


@pytest.mark.thorough
def test_the_same_code_makes_the_same_packages(artefacts: Artefacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_built", packages._built.__wrapped__)  # without its memory

    again = packages.layer_package(PROJECT / "layers/wickiepay")

    assert again == artefacts.packages["layer"]


def test_no_machine_is_named_in_it(artefacts: Artefacts) -> None:
    assert [name for name, content in files(artefacts.folder).items() if str(PROJECT).encode() in content] == []


# --- What is imported ----------------------------------------------------------------------------

OTHER_PEOPLES: Final = {
    "botocore": "AWS's SDK",
    "urllib3": "botocore's HTTP",
    "dateutil": "botocore's times",
    "six": "dateutil's",
    "jmespath": "botocore's, for paginators and waiters",
}
"""Packages that every function loads → why."""

IN_THE_CONSUMER: Final = {
    "aws_lambda_powertools": "log lines and metrics, of which it writes many at once",
    "typing_extensions": "Powertools'",
    "concurrent.futures.thread": "the events of a batch are processed at once",
    "pkgutil": "finds the handlers",
}
"""Besides, what the consumer loads beyond what the SDK has loaded already → why."""

UNNEEDED: Final = {
    "botocore.docs.service": "writes documentation",
    "html.parser": "reads the models' documentation",
    "importlib.metadata": "looks for h2",
}
"""What botocore loads as it comes → what for."""

IMPORTED: Final = """
import json
first = set(sys.modules)
from wickiepay import sdk
sdk.client("sqs")
of_the_sdk = set(sys.modules)
__import__(sys.argv[1])
print(json.dumps([sorted(of_the_sdk - first), sorted(set(sys.modules) - of_the_sdk)]))
"""


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"wickiepay", "http_request", "warm_start", "handlers", *FUNCTIONS}


def test_ingest_loads_little_but_itself_beyond_the_sdk(artefacts: Artefacts) -> None:
    _, more = artefacts.run("ingest", IMPORTED, "ingest")

    threads = {"concurrent.futures.thread", "queue", "_queue"}  # for its warm start
    assert [module for module in more if not is_ours(module) and module not in threads] == []


def test_the_consumer_loads_only_what_there_is_a_reason_for(artefacts: Artefacts) -> None:
    _, more = artefacts.run("consumer", IMPORTED, "consumer")

    others = {module for module in more if not is_ours(module)}
    packages = {module if module in IN_THE_CONSUMER else module.partition(".")[0] for module in others}
    assert packages - OTHER_PEOPLES.keys() == set(IN_THE_CONSUMER)


def test_the_sdk_loads_only_packages_there_is_a_reason_for(artefacts: Artefacts) -> None:
    modules, _ = artefacts.run("ingest", IMPORTED, "ingest")

    layer = {path.name.partition(".")[0] for path in (artefacts.folder / "layer/python").iterdir()}
    assert {module.partition(".")[0] for module in modules} & layer == {"wickiepay", *OTHER_PEOPLES}


def test_the_sdk_does_without_what_no_function_needs(artefacts: Artefacts) -> None:
    modules, more = artefacts.run("consumer", IMPORTED, "consumer")

    assert UNNEEDED.keys() & {*modules, *more} == set()


# --- What is asked of AWS ------------------------------------------------------------------------


def syntax() -> Iterator[ast.AST]:
    for folder in ("functions", "layers/wickiepay/wickiepay"):
        for path in (PROJECT / folder).rglob("*.py"):
            yield from ast.walk(ast.parse(path.read_text()))


def test_the_pruned_sdk_has_the_operations_that_are_called_and_no_others() -> None:
    session = botocore.session.get_session()
    known = {
        xform_name(operation): (service, operation)
        for service in OPERATIONS
        for operation in session.get_service_model(service).operation_names
    }
    called = {
        node.func.attr for node in syntax() if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    expected = {(service, operation) for service, operations in OPERATIONS.items() for operation in operations}
    assert {known[method] for method in called & known.keys()} == expected


def test_the_pruned_sdk_has_the_services_that_clients_are_made_of_and_no_others() -> None:
    made = set()
    for node in syntax():
        match node:
            case ast.Call(func=ast.Name("_client"), args=[ast.Constant(service), *_]):
                made.add(service)

    assert made == set(OPERATIONS)


ITEM: Final = {"pk": {"S": "text \u20ac"}, "n": {"N": "1.5"}, "b": {"B": "ZGF0"}}
PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "PutLifecycleEventHookExecutionStatus": {
        "deploymentId": "d",
        "lifecycleEventHookExecutionId": "e",
        "status": "Succeeded",
    },
    "BatchGetItem": {"RequestItems": {"table": {"Keys": [ITEM], "ConsistentRead": True, "ProjectionExpression": "pk"}}},
    "PutItem": {
        "TableName": "table",
        "Item": ITEM,
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    },
    "Query": {"TableName": "table", "IndexName": "index", "KeyConditionExpression": "pk = :pk", "Limit": 5},
    "TransactWriteItems": {
        "TransactItems": [
            {"Put": {"TableName": "table", "Item": ITEM, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
            {"Update": {"TableName": "table", "Key": ITEM, "UpdateExpression": "ADD n :n"}},
        ],
        "ClientRequestToken": "token",
    },
    "UpdateItem": {"TableName": "table", "Key": ITEM, "UpdateExpression": "SET n = :n"},
    "PutEvents": {"Entries": [{"EventBusName": "bus", "Source": "s", "DetailType": "t", "Detail": "{}"}]},
    "Invoke": {"FunctionName": "f:1", "Payload": "bytes"},
    "GetSecretValue": {"SecretId": "secret", "VersionStage": "AWSCURRENT"},
    "ChangeMessageVisibility": {"QueueUrl": "https://queue/1", "ReceiptHandle": "r", "VisibilityTimeout": 5},
    "SendMessage": {"QueueUrl": "https://queue/1", "MessageBody": "text"},
    "SendMessageBatch": {"QueueUrl": "https://queue/1", "Entries": [{"Id": "0", "MessageBody": "text"}]},
}
"""Each operation, as the functions call it, or nearly so."""

ANSWERS: Final = {
    "done": (
        200,
        {"Item": {}, "SecretString": "s", "CreatedDate": 1.7e9, "Entries": [], "Responses": {"table": [ITEM]}},
    ),
    "refused": (400, {"__type": "x#ConditionalCheckFailedException", "message": "m", "Item": ITEM}),
    "cancelled": (
        400,
        {"__type": "x#TransactionCanceledException", "CancellationReasons": [{"Code": "c", "Item": ITEM}]},
    ),
    "unknown": (400, {"__type": "x#ResourceNotFoundException", "message": "m"}),
    "throttled": (400, {"__type": "x#ThrottlingException", "message": "m"}),
    "at fault": (500, {"message": "m"}),
}

ASKED: Final = """
import json
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
operations, parameters, answers = json.loads(sys.argv[1])

def plain(value):
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.read().decode() if hasattr(value, "read") else str(value)

class Raw:
    def __init__(self, content):
        self.content = content
    def stream(self, **_):
        yield self.content
    def read(self, *_):
        return self.content

asked = []
for service, names in operations.items():
    for operation in names:
        for status, content in answers.values():
            client = client_of(service)
            method = next(method for method, name in client.meta.method_to_api_mapping.items() if name == operation)
            def answer(request, **_):
                headers = {n: str(v) for n, v in request.headers.items() if n.lower() not in DIFFERENT}
                asked.append([request.method, request.url, headers, str(request.body)])
                found = HTTPHeaders()
                found["x-amzn-RequestId"] = "id"
                return AWSResponse(request.url, status, found, Raw(json.dumps(content).encode()))
            client.meta.events.register_first("before-send", answer)
            client.meta.events.register_first("needs-retry", lambda **_: False)
            try:
                given = getattr(client, method)(**parameters[operation])
                asked.append(plain(given))
            except ClientError as error:
                known = [name for name in EXCEPTIONS if isinstance(error, getattr(client.exceptions, name, ()))]
                asked.append([plain(error.response), str(error), known])
print(json.dumps(asked))
"""
AS_IT_COMES: Final = f"""
import sys
sys.path.append({str(SDK)!r})
import botocore.session
from botocore.config import Config
session = botocore.session.get_session()
def client_of(service):
    return session.create_client(service, config=Config(retries={{"mode": "standard", "total_max_attempts": 1}}))
"""
PRUNED: Final = """
from wickiepay import sdk
def client_of(service):
    return sdk.client(service, retries={"mode": "standard", "total_max_attempts": 1})
"""


def exceptions_used() -> list[str]:
    """The errors by which the functions tell answers apart."""
    return sorted(
        node.attr
        for node in syntax()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "exceptions"
    )


def test_every_operation_has_parameters_here() -> None:
    assert set(PARAMETERS) == {operation for operations in OPERATIONS.values() for operation in operations}


def test_each_call_and_each_answer_is_what_it_is_with_botocore_as_it_comes(artefacts: Artefacts) -> None:
    # The time, what is signed with it, and who asks with what.
    different = {"x-amz-date", "authorization", "amz-sdk-invocation-id", "user-agent"}
    program = f"DIFFERENT = {different}\nEXCEPTIONS = {exceptions_used()}\n{inspect.cleandoc(ASKED)}"
    operations = {service: sorted(names) for service, names in OPERATIONS.items()}
    arguments = json.dumps([operations, PARAMETERS, ANSWERS])

    asked = artefacts.run("ingest", PRUNED + program, arguments)
    expected = run_isolated(AS_IT_COMES + program, environment_of("IngestFunction"), arguments)

    assert len(expected) == 2 * len(PARAMETERS) * len(ANSWERS)
    assert asked == expected


# --- Every region --------------------------------------------------------------------------------

NEW: Final = ("us-east-9", "mars-north-1", "cn-south-9", "us-gov-north-1", "eusc-de-north-9")
"""Regions that there may be one day."""

ENDPOINTS: Final = """
import json, os
regions, settings = json.loads(sys.argv[1])
os.environ.update(settings)
resolved = {}
for region in regions:
    os.environ["AWS_DEFAULT_REGION"] = region
    for service, names in OPERATIONS.items():
        try:
            client = client_of(service)
            operation = client.meta.service_model.operation_model(names[0])
            endpoint = client._resolve_endpoint_ruleset(operation, {}, {"client_region": region})
            signing = [client._request_signer.region_name, client._request_signer.signing_name]
            resolved[f"{service} {region}"] = [client.meta.endpoint_url, str(endpoint), *signing]
        except Exception as error:
            resolved[f"{service} {region}"] = [type(error).__name__, str(error)]
print(json.dumps(resolved))
"""


def regions() -> list[str]:
    partitions = json.loads((SDK / "botocore/data/endpoints.json").read_text())["partitions"]
    return [*(region for partition in partitions for region in partition["regions"]), *NEW]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "setting", [{}, {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}], ids=str
)
def test_every_endpoint_is_where_it_is_with_botocore_as_it_comes(artefacts: Artefacts, setting: dict[str, str]) -> None:
    operations = {service: sorted(names) for service, names in OPERATIONS.items()}
    program = f"OPERATIONS = {operations}\n{ENDPOINTS}"
    arguments = json.dumps([regions(), setting])

    resolved = artefacts.run("ingest", PRUNED + program, arguments)
    expected = run_isolated(AS_IT_COMES + program, environment_of("IngestFunction"), arguments)

    assert len(expected) == len(regions()) * len(OPERATIONS)
    assert resolved == expected


def test_regions_of_every_partition_are_looked_at() -> None:
    assert {re.sub(r"-[a-z]+-\d+$", "", region) for region in regions()} >= {
        "us",
        "eu",
        "cn",
        "us-gov",
        "us-iso",
        "eusc-de",
    }
