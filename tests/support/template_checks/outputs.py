"""The stack's outputs."""

from collections.abc import Iterator
from typing import Final

from tests.support.cloudformation import Template, references
from tests.support.template_checks.parameters import DOMAIN, PROVIDER, RECONCILING, ZONE

ALWAYS: Final = {
    *("WebhookUrl", "EventTableName", "LedgerTableName", "EventQueueUrl", "DeadLetterQueueUrl"),
    *("EventBusName", "SigningSecretArn"),  # so far what the command line goes by
    *("AlarmTopicArn", "DashboardName"),
    *("ApiAccessLogGroup", "IngestLogGroup", "ConsumerLogGroup", "RelayLogGroup"),
}


def the_outputs_are_those_that_others_go_by(template: Template) -> Iterator[str]:
    for values, added in (
        ({}, set()),
        (DOMAIN, {"DomainTarget"}),
        (PROVIDER, {"ProviderApiKeySecretArn"}),
        (RECONCILING, {"ProviderApiKeySecretArn", "ReconcilerLogGroup"}),
    ):
        found = template.stack(**values).outputs.keys()
        yield from (f"with {list(values)} {name} is unknown, or missing" for name in found ^ (ALWAYS | added))


def every_output_is_of_something_that_there_is(template: Template) -> Iterator[str]:
    for name, output in template.source["Outputs"].items():
        if not output.get("Description"):
            yield f"{name} is not explained"
        if not references(output["Value"]) & template.source["Resources"].keys():
            yield f"{name} is of nothing in this stack"


def the_address_to_register_is_the_domains_where_there_is_one(template: Template) -> Iterator[str]:
    for values, host in (
        ({}, "WebhookApi.execute-api.us-east-1.amazonaws.com"),
        (DOMAIN, DOMAIN["DomainName"]),
        (DOMAIN | ZONE, DOMAIN["DomainName"]),
    ):
        address = template.stack(**values).outputs["WebhookUrl"]["Value"]
        if address != f"https://{host}/webhooks/wickiepay":
            yield f"with {list(values)} it is {address}"
