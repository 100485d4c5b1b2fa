"""How the local stack differs from what the template says, and that it differs in nothing else."""

import copy
from itertools import groupby

import pytest

from wickiepay_cli.local.deploy import translate
from wickiepay_cli.local.emulator_patches import Template, patch_template
from wickiepay_cli.project import PROJECT

NO_CODEDEPLOY = "the emulator has no CodeDeploy: an alias moves to a new version at once"
FRONT_DOOR = "http://127.0.0.1:3000/webhooks/wickiepay"


@pytest.fixture(scope="module")
def original() -> Template:
    return translate(PROJECT)[0]


@pytest.fixture
def template(original: Template) -> Template:
    return copy.deepcopy(original)


def test_all_that_is_bent_to_the_emulator_is_told(template: Template) -> None:
    bent = groupby(patch_template(template, FRONT_DOOR), key=lambda patched: f"{patched.what} ({patched.why})")
    assert [(what, [patched.resource for patched in alike]) for what, alike in bent] == [
        (
            f"UpdatePolicy dropped ({NO_CODEDEPLOY})",
            ["IngestFunctionAliaslive", "ConsumerFunctionAliaslive", "RelayFunctionAliaslive"],
        ),
        (
            f"dropped ({NO_CODEDEPLOY})",
            [
                "ServerlessDeploymentApplication",
                *("IngestFunctionDeploymentGroup", "ConsumerFunctionDeploymentGroup", "RelayFunctionDeploymentGroup"),
            ],
        ),
        (
            f"codedeploy:PutLifecycleEventHookExecutionStatus dropped ({NO_CODEDEPLOY})",
            ["PreTrafficRole"],
        ),
        (
            "kept where another follows (the emulator would forget it, and never end its process)",
            [
                version
                for version, resource in template["Resources"].items()
                if resource["Type"] == "AWS::Lambda::Version"  # their names are made of what they run
            ],
        ),
        (
            "dropped (the emulator knows no saved queries)",
            [
                *("RejectedDeliveriesQuery", "ForgedSourcesQuery", "FailedEventsQuery", "RetriedEventsQuery"),
                *("OneEventQuery", "SchemesQuery", "SlowAnswersQuery", "ColdStartsQuery"),
            ],
        ),
        *(
            (
                f"ANY /webhooks/wickiepay{below} as a route of its own (the emulator reads no OpenAPI body)",
                ["WebhookApi"],
            )
            for below in ("", "/{below+}", "/")
        ),
        (
            "!Ref as !GetAtt Id (in the emulator a secret's Ref is its name, on AWS its ARN)",
            ["SigningSecret", "ProviderApiKeySecret"],
        ),
        (
            "dropped (the emulator speaks plain HTTP, on this machine only)",
            ["EventQueueTlsOnly", "DeadLetterQueueTlsOnly"],
        ),
        (
            "MaximumBatchingWindowInSeconds as a number (the emulator takes its parameter as text)",
            ["ConsumerFunctionQueue"],
        ),
        ("MaximumConcurrency as a number (the emulator takes its parameter as text)", ["ConsumerFunctionQueue"]),
        (
            "sqs:SendMessageBatch allowed (in the emulator an action, on AWS sqs:SendMessage)",
            ["IngestRole", "RelayRole"],
        ),
        (
            "condition on dynamodb:BatchGetItem dropped (the emulator does not see what a batch asks for)",
            ["ConsumerRole", "ReconcilerRole", "ReconcilerRole"],
        ),
        ("the proxy's address (the API's own address does not resolve)", ["WebhookUrl"]),
    ]


def test_nothing_else_is_bent(original: Template, template: Template) -> None:
    patched = {each.resource for each in patch_template(template, FRONT_DOOR)}
    sections = ("Parameters", "Rules", "Conditions", "Resources", "Outputs")
    names = {(section, name) for section in sections for name in (*original[section], *template[section])}
    changed = {name for section, name in names if original[section].get(name) != template[section].get(name)}
    assert changed - patched == {
        *(f"WebhookApi{part}{number}" for part in ("Integration", "Route") for number in (1, 2, 3)),
        *(
            "IngestFunction",
            "PreTrafficFunction",
            "ReconcilerFunction",
            "SigningSecretArn",
            "ProviderApiKeySecretArn",
        ),  # what refers to secrets
    }
    assert patched - changed == {"SigningSecret", "ProviderApiKeySecret"}


def test_the_route_leads_to_the_function_that_the_api_names(template: Template) -> None:
    patch_template(template, FRONT_DOOR)
    route = template["Resources"]["WebhookApiRoute1"]["Properties"]
    integration = template["Resources"]["WebhookApiIntegration1"]["Properties"]
    assert route["RouteKey"] == "ANY /webhooks/wickiepay"
    assert route["Target"] == {"Fn::Sub": "integrations/${WebhookApiIntegration1}"}
    assert "${IngestFunctionAliaslive}" in integration["IntegrationUri"]["Fn::Sub"]
    assert integration["PayloadFormatVersion"] == "2.0"


def test_the_secret_is_named_by_its_arn_wherever_it_is_named(template: Template) -> None:
    patch_template(template, FRONT_DOOR)
    assert "{'Ref': 'SigningSecret'}" not in str(template)
    assert "${SigningSecret}" not in str(template)
    assert str(template).count("{'Fn::GetAtt': ['SigningSecret', 'Id']}") == 5


def test_the_concurrency_of_the_consumer_is_the_number_that_the_template_defaults_to(template: Template) -> None:
    patch_template(template, FRONT_DOOR)
    scaling = template["Resources"]["ConsumerFunctionQueue"]["Properties"]["ScalingConfig"]
    assert scaling == {"MaximumConcurrency": template["Parameters"]["ConsumerMaximumConcurrency"]["Default"]}


def test_the_queue_waits_for_as_long_as_the_template_defaults_to(template: Template) -> None:
    patch_template(template, FRONT_DOOR)
    source = template["Resources"]["ConsumerFunctionQueue"]["Properties"]
    window = template["Parameters"]["ConsumerBatchingWindow"]["Default"]
    assert source["MaximumBatchingWindowInSeconds"] == window


def test_a_template_of_somebody_elses_is_bent_less() -> None:
    subscriber = translate(PROJECT / "examples/subscriber")[0]
    assert [f"{patched.resource}: {patched.what}" for patched in patch_template(subscriber)] == [
        "QueuePolicy: TLS not required",
        "OrderUpdatesRole: condition on ses:SendEmail dropped",
    ]
