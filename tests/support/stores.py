"""Only the stores of the stack, in an emulator: its tables, queues, secret and bus, as template.yaml defines them.

Nothing there takes from the queue, so a test can do that itself, and decide what comes when. The roles of the functions
are there too, for whoever wants to be one of them.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.deployed import TEMPLATE
from tests.support.harness import SECRET, Stores
from tests.support.template_checks.parameters import RECONCILING
from wickiepay_cli.local.deploy import translate
from wickiepay_cli.local.emulator import emulator
from wickiepay_cli.local.emulator_patches import patch_template
from wickiepay_cli.project import PROJECT
from wickiepay_cli.stacks.emulator_access import REGION, Access
from wickiepay_cli.stacks.local_stack import LocalStack

STACK_NAME: Final = "stores"
KEPT: Final = {
    "AWS::DynamoDB::Table",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
    "AWS::Events::EventBus",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",  # the roles name them
}


@contextmanager
def running_stores(folder: Path) -> Iterator[Stores]:
    """Runs an emulator with the stores in it, and a queue that hears all that is announced."""
    template, _ = translate(PROJECT)
    patch_template(template, webhook_url="")
    stores = {
        "Parameters": template["Parameters"],
        "Conditions": template["Conditions"],
        "Resources": {n: template["Resources"][n] for n, r in TEMPLATE["Resources"].items() if r["Type"] in KEPT},
        "Outputs": {name: output for name, output in template["Outputs"].items() if name != "WebhookUrl"},
    }
    with emulator(folder) as running:
        cloudformation = running.access.client("cloudformation")
        cloudformation.create_stack(
            StackName=STACK_NAME,
            TemplateBody=json.dumps(stores),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in RECONCILING.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK_NAME, WaiterConfig={"Delay": 1})
        [stack] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
        found = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        running.access.client("secretsmanager").put_secret_value(
            SecretId=found["SigningSecretArn"], SecretString=SECRET.decode()
        )
        yield _stores(running.access, found)


def stores_of(stack: LocalStack) -> Stores:
    """The stores of a stack that runs as a whole, and from now on a queue that hears all that is announced."""
    return _stores(stack.aws, stack.outputs)


def _stores(aws: Access, outputs: Mapping[str, str]) -> Stores:
    announced_url = listen(aws, outputs["EventBusName"])
    return Stores(aws.endpoint_url, REGION, aws.access_key_id, aws.secret_access_key, outputs, announced_url)


def listen(aws: Access, bus: str) -> str:
    """A queue to which the whole bus is copied."""
    sqs, events = aws.client("sqs"), aws.client("events")
    url: str = sqs.create_queue(QueueName="announced")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allow]})})
    events.put_rule(Name="everything", EventBusName=bus, EventPattern=json.dumps({"source": ["wickiepay"]}))
    events.put_targets(Rule="everything", EventBusName=bus, Targets=[{"Id": "announced", "Arn": arn}])
    return url
