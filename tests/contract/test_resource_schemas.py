"""What the checks of the template take for granted of resources, by the schemas that cfn-lint has of CloudFormation."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.support.cloudformation import Template
from tests.support.deployed import TEMPLATE
from tests.support.lambda_emulator import SAM
from tests.support.template_checks.names import NAMES, WITHIN_ANOTHER
from tests.support.template_checks.parameters import DOMAIN, ZONE

pytestmark = pytest.mark.sam

STACK: Final = Template(TEMPLATE).stack(AlarmEmail="ops@example.org", **DOMAIN, **ZONE)
KINDS: Final = sorted({resource["Type"] for resource in STACK.resources.values()})
READING: Final = """
import json, sys
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER as schemas
print(json.dumps({kind: schemas.get_resource_schema("us-east-1", kind).schema for kind in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def schemas() -> Mapping[str, Any]:
    """The schema of each type of resource that the template has."""
    done = subprocess.run([SAM / "python", "-c", READING, *KINDS], capture_output=True, text=True, check=True)
    read: Mapping[str, Any] = json.loads(done.stdout)
    return read


def properties(schema: Mapping[str, Any], about: str) -> set[str]:
    return {path.removeprefix("/properties/") for path in schema.get(about, [])}


@pytest.mark.parametrize("name", ["Description", "FunctionName"])
def test_another_value_makes_another_version_of_a_function(schemas: Mapping[str, Any], name: str) -> None:
    """CloudFormation cannot change it, so it replaces the version: that is what publishes a parameter's new value."""
    assert name in properties(schemas["AWS::Lambda::Version"], "createOnlyProperties")


def test_a_versions_description_has_256_characters_at_most(schemas: Mapping[str, Any]) -> None:
    assert schemas["AWS::Lambda::Version"]["properties"]["Description"]["maxLength"] == 256


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WITHIN_ANOTHER])
def test_a_resource_is_known_by_the_name_that_the_checks_look_at(schemas: Mapping[str, Any], kind: str) -> None:
    given = properties(schemas[kind], "primaryIdentifier") - properties(schemas[kind], "readOnlyProperties")
    assert not given or NAMES[kind] in given
    assert NAMES[kind] in schemas[kind]["properties"]
