"""Every parameter that changes what the stack is made of: with it the stack is deployed, and processes what it takes.

All stacks here are in one account, side by side.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from tests.support.account import Account, empty_account
from tests.support.stores import listen
from wickiepay_cli.local.run import PATH
from wickiepay_cli.project import PROJECT

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

pytestmark = pytest.mark.many_stacks

HERE: Final = "127.0.0.1/32"
"""Where deliveries come from in the emulator."""

DOMAIN: Final = {"DomainName": "{stack}.example.com", "CertificateArn": "{certificate}"}
ALL_BUT_MUTUAL_TLS: Final = {
    **DOMAIN,
    "AcceptedSchemes": "raw",
    "AccountField": "metadata.customerId",
    "AlarmEmail": "alarms@example.com",
    "CustomerKeyArn": "{key}",
    "HostedZoneId": "{zone}",
    "IngestReservedConcurrency": "10",
    "Rollout": "Linear10PercentEvery1Minute",
    "SnapStart": "on",
    "SourceAllowList": HERE,
    "ProviderAlgorithm": "rsa-pss-sha512",
    "ProviderBaseUrl": "https://api.example.com/v2",
    "ProviderClientId": "client-1",
    "ProviderMerchantId": "5f8e193a-54e8-4a6e-8bf2-bb342eb3181b",
}
MUTUAL_TLS: Final = {"TruststoreUri": "s3://{bucket}/truststore.pem"}

FOR_DOMAIN: Final = frozenset({"WebhookDomain", "WebhookDomainMapping"})
FOR_RECORD: Final = frozenset({"WebhookDomainRecord"})
FOR_MAIL: Final = frozenset({"AlarmSubscription"})
FOR_PROVIDER: Final = frozenset({"ProviderApiKeySecret"})
FOR_FULL_MONITORING: Final = frozenset({"AnsweredDeliveries", "Dashboard"})
CONDITIONAL: Final = FOR_DOMAIN | FOR_RECORD | FOR_MAIL | FOR_PROVIDER
"""The resources that are there for some values of the parameters only."""

COMBINATIONS: Final[Mapping[str, tuple[Mapping[str, str], frozenset[str]]]] = {
    "defaults": ({}, frozenset()),
    "customer-key": ({"CustomerKeyArn": "{key}", "Rollout": "Canary10Percent30Minutes"}, frozenset()),
    "domain-with-record": ({**DOMAIN, "HostedZoneId": "{zone}", "SnapStart": "on"}, FOR_DOMAIN | FOR_RECORD),
    "mutual-tls": ({**DOMAIN, **MUTUAL_TLS, "SourceAllowList": f"192.0.2.0/24,{HERE}"}, FOR_DOMAIN),
    "mail-and-reservation": (
        {"AlarmEmail": "alarms@example.com", "IngestReservedConcurrency": "1", "Rollout": "AllAtOnce"},
        FOR_MAIL,
    ),
    "provider": ({"ProviderBaseUrl": "http://127.0.0.1:4100"}, FOR_PROVIDER),
    "lean-monitoring": ({"Monitoring": "lean"}, frozenset()),
    "all-but-mutual-tls": (ALL_BUT_MUTUAL_TLS, CONDITIONAL),
    "all": ({**ALL_BUT_MUTUAL_TLS, **MUTUAL_TLS, "TruststoreVersion": "{version}"}, CONDITIONAL),
}
"""Stack → the values of its parameters (braces hold what is `made` first), and the conditional resources it has."""


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with empty_account(tmp_path_factory.mktemp("account")) as account:
        yield account


@pytest.fixture(scope="module")
def made(account: Account) -> dict[str, str]:
    """What a merchant makes first, to name it in parameters; by the words that stand for it in `COMBINATIONS`."""
    acm, route53 = account.client("acm"), account.client("route53")
    s3: S3Client = account.client("s3")
    s3.create_bucket(Bucket="truststore")
    s3.put_bucket_versioning(Bucket="truststore", VersioningConfiguration={"Status": "Enabled"})
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="test")["HostedZone"]["Id"]
    return {
        "key": customer_key(account),
        "certificate": acm.request_certificate(DomainName="*.example.com")["CertificateArn"],
        "zone": zone.removeprefix("/hostedzone/"),
        "bucket": "truststore",
        "version": s3.put_object(Bucket="truststore", Key="truststore.pem", Body=b"authorities")["VersionId"],
    }


def customer_key(account: Account) -> str:
    """The ARN of a key that is made as the example says."""
    cloudformation: CloudFormationClient = account.client("cloudformation")
    template = json.dumps(yaml_parse((PROJECT / "docs/examples/customer-key.yaml").read_text()))
    cloudformation.create_stack(StackName="key", TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="key", WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName="key")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return outputs["KeyArn"]


def filled_in(parameters: Mapping[str, str], stack: str, made: Mapping[str, str]) -> dict[str, str]:
    return {parameter: value.format(stack=stack, **made) for parameter, value in parameters.items()}


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_stack_with_these_parameters_processes_what_it_takes(
    account: Account, made: Mapping[str, str], name: str
) -> None:
    parameters, conditional = COMBINATIONS[name]
    values = filled_in(parameters, name, made)

    listener = account.deploy(name, values)

    made_here = listener.resources().keys()
    assert CONDITIONAL & made_here == conditional
    assert FOR_FULL_MONITORING & made_here == (frozenset() if values.get("Monitoring") else FOR_FULL_MONITORING)
    assert listener.stack.parameters.items() >= values.items()
    assert listener.deliver("u-1", metadata={"customerId": "inner"}) == 200
    assert listener.end("u-1") == "PROCESSED"
    assert listener.balance("inner" if "AccountField" in values else "customer") == 5


def test_two_stacks_live_side_by_side(account: Account) -> None:
    one, other = account.deploy("one"), account.deploy("other")

    assert [listener.deliver("u-1") for listener in (one, other)] == [200, 200]
    assert [listener.end("u-1") for listener in (one, other)] == ["PROCESSED", "PROCESSED"]
    assert [listener.balance() for listener in (one, other)] == [5, 5]
    shared = set(one.resources().values()) & set(other.resources().values())
    assert shared == {"$default"}  # the stage, of an API of its own


def test_a_domain_leads_to_the_listener(account: Account, made: Mapping[str, str]) -> None:
    listener = account.deploy("named", filled_in(DOMAIN, "named", made))

    answer = httpx.get(account.aws.api_root + PATH, headers={"Host": "named.example.com"}, trust_env=False)

    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert listener.stack.output("DomainTarget").endswith(".amazonaws.com")


def test_an_address_that_is_not_allowed_is_refused(account: Account) -> None:
    listener = account.deploy("closed", {"SourceAllowList": "192.0.2.0/24,2001:db8::/32"})

    assert listener.deliver("u-1") == 403
    assert listener.state("u-1") is None


@pytest.mark.parametrize(("announcements", "heard"), [("on", ["u-1"]), ("off", [])])
def test_events_are_announced_unless_that_is_switched_off(
    account: Account, announcements: str, heard: list[str]
) -> None:
    listener = account.deploy(f"announcements-{announcements}", {"Announcements": announcements})
    queue_url = listen(account.aws, listener.stack.output("EventBusName"))

    assert listener.deliver("u-1") == 200
    assert listener.end("u-1") == "PROCESSED"  # announced before it is marked so
    sqs: SQSClient = account.client("sqs")
    messages = sqs.receive_message(QueueUrl=queue_url).get("Messages", [])
    assert [json.loads(message["Body"])["detail"]["uuid"] for message in messages] == heard


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"DomainName": "hooks.example.com"}, "DomainName needs CertificateArn"),
        ({"CertificateArn": "{certificate}"}, "CertificateArn needs DomainName"),
        ({"HostedZoneId": "{zone}"}, "HostedZoneId needs DomainName"),
        (MUTUAL_TLS, "TruststoreUri needs DomainName"),
        ({**DOMAIN, "TruststoreVersion": "{version}"}, "TruststoreVersion needs TruststoreUri"),
        ({"AcceptedSchemes": "raw,"}, "one to three of raw, node and python"),
        ({"AccountField": "metadata..customerId"}, "a field of an event's data"),
        ({"AlarmEmail": "somebody"}, "an e-mail address"),
        ({"CertificateArn": "arn:aws:iam::123456789012:server-certificate/x"}, "the ARN of a certificate"),
        ({"ConsumerBatchingWindow": "61"}, "0 to 60"),
        ({"ConsumerMaximumConcurrency": "1"}, "2 to 1000"),
        ({"CustomerKeyArn": "arn:aws:kms:us-east-1:123456789012:alias/key"}, "the ARN of a KMS key"),
        ({"EventRetentionDays": "34"}, "35 to 3650"),
        ({"IngestReservedConcurrency": "0"}, "1 to 9999"),
        ({"Rollout": "Canary10Percent1Minutes"}, "AllowedValues"),
        *(
            ({"SourceAllowList": network}, "networks in CIDR notation")
            for network in ("example.com", "10.0.0.0/33", "256.0.0.1", "1.2.3/24", "dead", "10.0.0.0/8,", "::/129")
        ),
        ({"TruststoreUri": "https://example.com/truststore.pem"}, "an object in S3"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(
    account: Account, made: Mapping[str, str], parameters: Mapping[str, str], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason):
        account.deploy("refused", filled_in(parameters, "refused", made))
    assert not account.has("refused")
