"""What template.yaml guarantees, and that it and the code say the same of each other."""

from collections.abc import Mapping, Sequence
from itertools import product

import pytest

from tests.support.cloudformation import Stack, Template
from tests.support.deployed import TEMPLATE
from tests.support.template_checks import CHECKS, Check


@pytest.fixture(scope="module")
def template() -> Template:
    return Template(TEMPLATE)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_the_template_guarantees_that(check: Check, template: Template) -> None:
    assert not list(check(template))


# --- All that can be switched ---------------------------------------------------------------------------
KEY = "arn:aws:kms:us-east-1:123456789012:key/0f0e0d0c-0b0a-0908-0706-050403020100"
DOMAIN = {
    "DomainName": "pay.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/00112233-4455-6677-8899-aabbccddeeff",
}
ADDRESSES: Mapping[str, Mapping[str, str]] = {
    "the API's own": {},
    "a domain": DOMAIN,
    "a domain with its record": {**DOMAIN, "HostedZoneId": "Z0123456789"},
    "a domain with mutual TLS": {**DOMAIN, "TruststoreUri": "s3://trust/store.pem"},
    "a domain with all": {**DOMAIN, "HostedZoneId": "Z0123456789", "TruststoreUri": "s3://trust/store.pem"},
}
SWITCHES: Mapping[str, Sequence[str]] = {
    "Rollout": ("AllAtOnce", "Canary10Percent5Minutes"),
    "CustomerKeyArn": ("", KEY),
    "SourceAllowList": ("", "192.0.2.0/24"),
    "SnapStart": ("off", "on"),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_combination_makes_a_stack_of_the_right_parts(template: Template, address: str) -> None:
    """Everything that a combination names is there in it: no reference goes to what a condition has left out."""
    for values in product(*SWITCHES.values()):
        chosen = {**ADDRESSES[address], **dict(zip(SWITCHES, values, strict=True))}
        stack = Stack(template.stack().template, chosen)
        assert ("WebhookDomain" in stack.resources) == ("DomainName" in chosen)
        assert ("WebhookDomainRecord" in stack.resources) == ("HostedZoneId" in chosen)
        [server] = stack.resources["WebhookApi"]["Properties"]["Body"]["servers"]
        settings = server["x-amazon-apigateway-endpoint-configuration"]
        assert settings["disableExecuteApiEndpoint"] == ("TruststoreUri" in chosen)
        encrypted = stack.resources["EventTable"]["Properties"].get("SSESpecification", {}).get("KMSMasterKeyId", "")
        assert encrypted == chosen["CustomerKeyArn"]
        started = stack.resources["IngestFunction"]["Properties"]["SnapStart"]["ApplyOn"]
        assert (started == "PublishedVersions") == (chosen["SnapStart"] == "on")
        variables = stack.resources["IngestFunction"]["Properties"]["Environment"]["Variables"]
        assert variables["SOURCE_ALLOW_LIST"] == chosen["SourceAllowList"]
        assert set(stack.outputs) >= {"WebhookUrl"}
