"""A published version is what its template says: whatever changes the function publishes another.

SAM publishes one, under another logical id, when the code changes, and as it is told here when anything else does that
stands in the template. It does not see that a parameter has another value: CloudFormation does, by the version's
description, which cannot be changed without making another version (`tests/contract/test_resource_schemas.py`).
"""

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.support.cloudformation import Template, Tree, conditions, references

PUBLISHED: Final = ("IngestFunction", "ConsumerFunction", "RelayFunction")
CHANGES: Final[tuple[tuple[str, Any], ...]] = (
    ("CodeUri", "s3://packages/changed"),
    ("MemorySize", 1024),
    ("Timeout", 14),
    ("Handler", "changed.lambda_handler"),
    ("Runtime", "python3.14"),
    ("Architectures", ["x86_64"]),
    ("Description", "changed"),
    ("Layers", [{"Ref": "WickiePayLayer"}, "arn:aws:lambda:us-east-1:123456789012:layer:another:1"]),
    ("Environment", {"Variables": {"CHANGED": "1"}}),
    ("LoggingConfig", {"LogFormat": "Text"}),
    ("SnapStart", {"ApplyOn": "PublishedVersions"}),
    ("KmsKeyArn", {"Ref": "CustomerKeyArn"}),
)
"""Properties that a version holds, and another value of each."""

OF_NO_VERSION: Final = {"DeploymentPreference", "ReservedConcurrentExecutions", "VersionDescription", "Events"}
"""Properties that are the function's as a whole, or no function's."""

LONGEST: Final = 256
"""Characters of a description."""


def a_change_of_a_function_publishes_a_version(template: Template) -> Iterator[str]:
    for function in PUBLISHED:
        before = _version(template, function)
        for name, value in CHANGES:
            if _version(_changed(template, function, name, value), function) == before:
                yield f"another {name} of {function} publishes nothing"


def a_change_of_the_layer_publishes_versions(template: Template) -> Iterator[str]:
    changed = _changed(template, "WickiePayLayer", "ContentUri", "s3://packages/changed")
    for function in PUBLISHED:
        if _version(changed, function) == _version(template, function):
            yield f"another layer publishes no version of {function}"


def a_versions_description_names_the_parameters_that_the_function_depends_on(template: Template) -> Iterator[str]:
    """All of them, or one's new value is not published; no others, or Lambda refuses a version like the last one."""
    for function in PUBLISHED:
        named = references(template.source["Resources"][function]["Properties"].get("VersionDescription", ""))
        behind = _parameters_behind(template.source, function)
        yield from (f"{function} has another {name} and no other description" for name in behind - named)
        yield from (f"{function} is described by {name}, which does not change it" for name in named - behind)


def a_new_value_of_a_parameter_is_another_description(template: Template) -> Iterator[str]:
    for function in PUBLISHED:
        for name in _parameters_behind(template.source, function):
            before, after = (
                template.stack(**values).resources[_version(template, function)]["Properties"].get("Description")
                for values in ({}, {name: "another value"})
            )
            if before == after:
                yield f"{function} has the description {before} with another {name}"


def a_versions_description_fits(template: Template) -> Iterator[str]:
    parameters = template.source["Parameters"]
    longest = {
        name: "x" * _longest(parameters[name]) for f in PUBLISHED for name in _parameters_behind(template.source, f)
    }
    for function in PUBLISHED:
        version = template.stack(**longest).resources[_version(template, function)]
        if len(version["Properties"].get("Description", "")) > LONGEST:
            yield f"the description of {function} can have {len(version['Properties']['Description'])} characters"


def _longest(parameter: Tree) -> int:
    """How many characters a parameter's value can have."""
    if "AllowedValues" in parameter:
        return max(len(str(value)) for value in parameter["AllowedValues"])
    limit = len(str(parameter["MaxValue"])) if "MaxValue" in parameter else parameter.get("MaxLength", 4096)
    return int(limit)


def _parameters_behind(source: Tree, function: str) -> set[str]:
    """The parameters that what a version holds depends on, directly or by a condition."""
    properties = source["Resources"][function]["Properties"] | source["Globals"]["Function"]
    held: Tree = {name: value for name, value in properties.items() if name not in OF_NO_VERSION}
    asked = [source["Conditions"][condition] for condition in conditions(held)]
    return references([held, asked]) & set(source["Parameters"])


def _changed(template: Template, name: str, key: str, value: object) -> Template:
    source = copy.deepcopy(template.source)
    source["Resources"][name]["Properties"][key] = value
    return Template(source)


def _version(template: Template, function: str) -> str:
    """The logical id of a function's version; "" without one."""
    names = template.stack().of_type("AWS::Lambda::Version")
    return next((name for name in names if re.fullmatch(rf"{function}Version\w+", name)), "")
