"""An emulator as an account: listeners are deployed into it, with parameters, and updated, as `sam deploy` does it."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wickiepay.signature import sign
from wickiepay_cli.local.beside import apply, exists
from wickiepay_cli.local.deploy import DEFAULTS, api_url, translate, upload
from wickiepay_cli.local.emulator import emulator
from wickiepay_cli.local.emulator_patches import patch_template
from wickiepay_cli.local.run import PATH
from wickiepay_cli.project import PROJECT
from wickiepay_cli.sending.client import connection, deliver
from wickiepay_cli.stacks.emulator_access import Access
from wickiepay_cli.stacks.stack import Stack

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

CONFIRMED: Final = "channel.payment.confirmed"
PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Listener:
    """A deployed stack. All its events here are confirmed channel payments of 5 EUR to the account "customer"."""

    stack: Stack

    @property
    def url(self) -> str:
        return self.stack.output("WebhookUrl")

    def deliver(self, uuid: str, **data: object) -> int | None:
        """Sends an event, signed as the stack wants it; what that is answered."""
        money = {"reference": "customer", "displayCurrency": {"currency": "EUR", "amount": 5}}
        envelope = {"event": CONFIRMED, "timestamp": "2026-01-15T10:25:00Z", "data": {"uuid": uuid, **money, **data}}
        body = json.dumps(envelope).encode()
        with connection(self.url) as http:
            return deliver(http, self.url, body, sign(body, self.stack.signing_secret())).status

    def state(self, uuid: str) -> str | None:
        """The state of an event; None where it is not on record."""
        key = {"uuid": {"S": uuid}, "event_key": {"S": CONFIRMED}}
        found = self.stack.dynamodb().get_item(TableName=self.stack.output("EventTableName"), Key=key)
        return found["Item"]["state"]["S"] if "Item" in found else None

    def end(self, uuid: str) -> str | None:
        """The state that an event ends in, or is still in when patience does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := self.state(uuid)) in {None, "RECEIVED"} and time.monotonic() < deadline:
            time.sleep(0.1)
        return state

    def balance(self, account: str = "customer") -> int:
        """In EUR."""
        key = {"pk": {"S": f"balance#{account}"}, "sk": {"S": "EUR"}}
        found = self.stack.dynamodb().get_item(TableName=self.stack.output("LedgerTableName"), Key=key)
        return int(found["Item"]["amount"]["N"]) if "Item" in found else 0

    def resources(self) -> dict[str, str]:
        """Logical id → physical id."""
        cloudformation: CloudFormationClient = self.stack.client("cloudformation")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.stack.name)
        summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
        return {summary["LogicalResourceId"]: summary["PhysicalResourceId"] for summary in summaries}


@dataclass(frozen=True, slots=True)
class Account:
    aws: Access

    def client(self, service: str) -> Any:  # noqa: ANN401  typed by its callers
        return self.aws.client(service)

    def deploy(self, name: str, parameters: Mapping[str, str] = DEFAULTS, project: Path = PROJECT) -> Listener:
        """Makes the stack `name` what the template in `project` says: creates it, or updates it.

        Parameters that are not given have their defaults. Raises ClientError where the change is refused as it stands,
        and CommandError with the reasons where it fails.
        """
        template, packages = translate(project, parameters)
        patch_template(template, webhook_url="")
        apply(self.aws, name, upload(self.aws, template, packages), parameters)
        return self.listener(name)

    def has(self, name: str) -> bool:
        return exists(self.client("cloudformation"), name)

    def listener(self, name: str) -> Listener:
        """The stack `name`, as it was deployed."""
        cloudformation: CloudFormationClient = self.client("cloudformation")
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        outputs["WebhookUrl"] = api_url(self.aws, name) + PATH  # what the template says of it resolves nowhere
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        return Listener(Stack(name, outputs, self.client, parameters))


@contextmanager
def empty_account(folder: Path) -> Iterator[Account]:
    """An emulator as an account, with its files in `folder`."""
    with emulator(folder) as running:
        yield Account(running.access)
