"""The parameters that a person who deploys the stack is asked for: explained, checked beforehand, and used."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import ingest
from tests.support.cloudformation import Template, allows, conditions_asked, nodes, references

DOMAIN: Final = {
    "DomainName": "webhooks.example.org",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a",
}
ZONE: Final = {"HostedZoneId": "Z0EXAMPLE"}
TRUSTSTORE: Final = {"TruststoreUri": "s3://bucket/authorities.pem"}
VERSION: Final = {"TruststoreVersion": "version"}
PROVIDER: Final = {"ProviderBaseUrl": "https://api.example.org"}
CLIENT: Final = {"ProviderClientId": "client", "ProviderMerchantId": "merchant"}
RECONCILING: Final = PROVIDER | CLIENT
"""With these, a stack has all functions."""

ACCEPTED: Final[tuple[Mapping[str, str], ...]] = (
    {},
    DOMAIN,
    DOMAIN | ZONE,
    DOMAIN | TRUSTSTORE,
    DOMAIN | ZONE | TRUSTSTORE | VERSION,
    PROVIDER,
    PROVIDER | CLIENT,
)
"""Combinations of values that make sense."""

REFUSED: Final[tuple[tuple[Mapping[str, str], str], ...]] = (
    ({"DomainName": DOMAIN["DomainName"]}, "DomainName needs CertificateArn"),
    ({"CertificateArn": DOMAIN["CertificateArn"]}, "CertificateArn needs DomainName"),
    (ZONE, "HostedZoneId needs DomainName"),
    (TRUSTSTORE, "TruststoreUri needs DomainName"),
    (DOMAIN | VERSION, "TruststoreVersion needs TruststoreUri"),
    ({"ProviderClientId": "client"}, "ProviderClientId needs ProviderBaseUrl"),
    ({"ProviderMerchantId": "merchant"}, "ProviderMerchantId needs ProviderBaseUrl"),
)
"""Combinations that do not, and how what is said of each begins."""


READABLE: Final = (
    *("", "192.0.2.7", "192.0.2.0/24,198.51.100.7/32", "192.0.2.7/24", "0.0.0.0/0", "::/0", "::1", "2001:db8::/32"),
    *("2001:db8::7/32,10.0.0.0/8", "1:2:3:4:5:6:7:8", "1::8", "fe80::1:2/128"),
)
"""Lists of networks."""

UNREADABLE: Final = (
    *(",", "192.0.2.7,", ",192.0.2.7", "192.0.2.7,,192.0.2.8", "192.0.2.7, 192.0.2.8", " 192.0.2.7", "192.0.2.7\n"),
    *("192.0.2", "192.0.2.7.1", "192.0.2.256", "192.0.2.07", "192.0.2.0/33", "192.0.2.0/", "192.0.2.", "example.org"),
    *(":::", "::::", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:", "1::2::3", "12345::", "::/129"),
    "fe80::1%eth0",
)
"""Lists in which something is not a network."""


def parameters_are_explained(template: Template) -> Iterator[str]:
    for name, parameter in template.source["Parameters"].items():
        for part in ("Type", "Default", "Description", "ConstraintDescription"):
            if part not in parameter:
                yield f"{name} has no {part}"
        if not parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}:
            yield f"{name} may be anything"


def defaults_are_allowed(template: Template) -> Iterator[str]:
    for name, parameter in template.source["Parameters"].items():
        if not allows(parameter, str(parameter.get("Default"))):
            yield f"{name}'s default is not allowed"


def an_allow_list_is_one_that_ingest_can_read(template: Template) -> Iterator[str]:
    parameter = template.source["Parameters"]["SourceAllowList"]
    for networks in READABLE:
        if not allows(parameter, networks) or isinstance(ingest.networks(networks), ValueError):
            yield f"{networks} is not taken"
    for text in UNREADABLE:
        if allows(parameter, text):
            yield f"{text} is taken"


def patterns_are_of_the_whole_value(template: Template) -> Iterator[str]:
    for name, parameter in template.source["Parameters"].items():
        if not re.fullmatch(r"\^.*\$", parameter.get("AllowedPattern", "^$")):
            yield f"{name}'s pattern has no beginning or no end"


def each_parameter_stands_in_one_group(template: Template) -> Iterator[str]:
    groups = template.source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    for name in template.source["Parameters"]:
        if grouped.count(name) != 1:
            yield f"{name} stands in {grouped.count(name)} groups"
    yield from (f"{name} is no parameter" for name in set(grouped) - set(template.source["Parameters"]))


def each_parameter_is_used(template: Template) -> Iterator[str]:
    used = references(template.source["Resources"]) | references(template.source["Outputs"])
    for name in conditions_asked(template.source):
        used |= references(template.source["Conditions"][name])
    yield from (f"{name} is used for nothing" for name in set(template.source["Parameters"]) - used)


def each_condition_is_used(template: Template) -> Iterator[str]:
    unused = set(template.source["Conditions"]) - conditions_asked(template.source)
    yield from (f"{name} is asked by nothing" for name in unused)


def rules_are_about_parameters(template: Template) -> Iterator[str]:
    """CloudFormation takes no other names in them."""
    for name, rule in template.source.get("Rules", {}).items():
        for unknown in references(rule) - set(template.source["Parameters"]):
            yield f"{name} is about {unknown}"
        if any("Fn::GetAtt" in node for node in nodes(rule) if isinstance(node, dict)):
            yield f"{name} is about an attribute"


def wrong_combinations_are_refused(template: Template) -> Iterator[str]:
    for values, why in REFUSED:
        said = template.stack(**values).refused()
        if [text for text in said if text.startswith(why)] != said or not said:
            yield f"{values} are told {said}, not that {why}"


def right_combinations_are_accepted(template: Template) -> Iterator[str]:
    for values in ACCEPTED:
        if said := template.stack(**values).refused():
            yield f"{values} are told {said}"
