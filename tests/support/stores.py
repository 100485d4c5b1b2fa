"""The stores of the stack alone: its tables, queues, secret and bus, as template.yaml defines them, in an emulator.

Nothing there takes from the queue, so a test can do that itself, and decide what comes when. The roles of the functions
are there too, for whoever wants to be one of them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deployed import TEMPLATE
from wickiepay_cli.local.deployment import translate
from wickiepay_cli.local.emulator import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, client, emulator
from wickiepay_cli.local.preparation import prepare
from wickiepay_cli.local.stack_file import PROJECT, LocalStack
from world import SECRET, Stores

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
    prepare(template, webhook_url="")
    stores = {
        "Parameters": template["Parameters"],
        "Resources": {n: template["Resources"][n] for n, r in TEMPLATE["Resources"].items() if r["Type"] in KEPT},
        "Outputs": {name: output for name, output in template["Outputs"].items() if name != "WebhookUrl"},
    }
    with emulator(folder) as running:
        endpoint_url = running.endpoint_url
        cloudformation = client("cloudformation", endpoint_url)
        cloudformation.create_stack(
            StackName=STACK_NAME, TemplateBody=json.dumps(stores), Capabilities=["CAPABILITY_IAM"]
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK_NAME, WaiterConfig={"Delay": 1})
        [stack] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
        found = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        client("secretsmanager", endpoint_url).put_secret_value(
            SecretId=found["SigningSecretArn"], SecretString=SECRET.decode()
        )
        announced_url = listen(endpoint_url, found["EventBusName"])
        yield Stores(endpoint_url, REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY, found, announced_url)


def stores_of(stack: LocalStack) -> Stores:
    """The stores of a stack that runs as a whole, and from now on a queue that hears all that is announced."""
    announced_url = listen(stack.aws_endpoint_url, stack.outputs["EventBusName"])
    return Stores(stack.aws_endpoint_url, stack.region, ACCESS_KEY_ID, SECRET_ACCESS_KEY, stack.outputs, announced_url)


def listen(endpoint_url: str, bus: str) -> str:
    """A queue to which the whole bus is copied."""
    sqs, events = client("sqs", endpoint_url), client("events", endpoint_url)
    url: str = sqs.create_queue(QueueName="announced")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allow]})})
    events.put_rule(Name="everything", EventBusName=bus, EventPattern=json.dumps({"source": ["wickiepay"]}))
    events.put_targets(Rule="everything", EventBusName=bus, Targets=[{"Id": "announced", "Arn": arn}])
    return url
