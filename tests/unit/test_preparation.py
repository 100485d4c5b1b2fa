"""How the local stack differs from what the template says, and that it differs in nothing else."""

import copy

import pytest

from wickiepay_cli.local.deployment import translate
from wickiepay_cli.local.preparation import Template, prepare
from wickiepay_cli.local.stack_file import PROJECT

FRONT_DOOR = "http://127.0.0.1:3000/webhooks/wickiepay"


@pytest.fixture(scope="module")
def original() -> Template:
    return translate(PROJECT)[0]


@pytest.fixture
def template(original: Template) -> Template:
    return copy.deepcopy(original)


def test_all_that_is_bent_to_the_emulator_is_told(template: Template) -> None:
    assert [str(prepared) for prepared in prepare(template, FRONT_DOOR)] == [
        "prepared: WebhookApi: ANY /webhooks/wickiepay as a route of its own (the emulator reads no OpenAPI body)",
        "prepared: SigningSecret: !Ref as !GetAtt Id (in the emulator a secret's Ref is its name, on AWS its ARN)",
        "prepared: EventQueueTlsOnly: dropped (the emulator speaks plain HTTP, on this machine only)",
        "prepared: DeadLetterQueueTlsOnly: dropped (the emulator speaks plain HTTP, on this machine only)",
        "prepared: ConsumerFunctionQueue: MaximumConcurrency as a number (the emulator takes its parameter as text)",
        "prepared: IngestRole: sqs:SendMessageBatch allowed (in the emulator an action, on AWS sqs:SendMessage)",
        "prepared: RelayRole: sqs:SendMessageBatch allowed (in the emulator an action, on AWS sqs:SendMessage)",
        "prepared: WebhookUrl: the front door's address (the API has none that resolves)",
    ]


def test_nothing_else_is_bent(original: Template, template: Template) -> None:
    prepare(template, FRONT_DOOR)
    sections = ("Resources", "Outputs", "Parameters", "Conditions")
    names = {(section, name) for section in sections for name in (*original[section], *template[section])}
    changed = {name for section, name in names if original[section].get(name) != template[section].get(name)}
    assert changed == {
        *("WebhookApi", "WebhookApiIntegration1", "WebhookApiRoute1", "WebhookUrl"),
        *("IngestFunction", "IngestRole", "SigningSecretArn"),  # what refers to the secret
        "RelayRole",
        *("EventQueueTlsOnly", "DeadLetterQueueTlsOnly", "ConsumerFunctionQueue"),
    }


def test_the_route_leads_to_the_function_that_the_api_names(template: Template) -> None:
    prepare(template, FRONT_DOOR)
    route = template["Resources"]["WebhookApiRoute1"]["Properties"]
    integration = template["Resources"]["WebhookApiIntegration1"]["Properties"]
    assert route["RouteKey"] == "ANY /webhooks/wickiepay"
    assert route["Target"] == {"Fn::Sub": "integrations/${WebhookApiIntegration1}"}
    assert "${IngestFunction.Arn}" in integration["IntegrationUri"]["Fn::Sub"]
    assert integration["PayloadFormatVersion"] == "2.0"


def test_the_secret_is_named_by_its_arn_wherever_it_is_named(template: Template) -> None:
    prepare(template, FRONT_DOOR)
    assert "{'Ref': 'SigningSecret'}" not in str(template)
    assert "${SigningSecret}" not in str(template)
    assert str(template).count("{'Fn::GetAtt': ['SigningSecret', 'Id']}") == 3


def test_the_concurrency_of_the_consumer_is_the_number_that_the_template_defaults_to(template: Template) -> None:
    prepare(template, FRONT_DOOR)
    scaling = template["Resources"]["ConsumerFunctionQueue"]["Properties"]["ScalingConfig"]
    assert scaling == {"MaximumConcurrency": template["Parameters"]["ConsumerMaximumConcurrency"]["Default"]}
