"""The stack that a command works on, described by its CloudFormation outputs, local or in an account."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from wickiepay import clock
from wickiepay_cli.errors import CommandError, sentence
from wickiepay_cli.stacks import local_stack

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sqs import SQSClient

    from wickiepay.queue import EventQueue
    from wickiepay_cli.store.acceptances import Questions
    from wickiepay_cli.store.dead_letters import DeadLetters
    from wickiepay_cli.store.event_records import EventRecords
    from wickiepay_cli.store.ledger_records import LedgerRecords
    from wickiepay_cli.store.replays import Replayer
    from wickiepay_cli.store.secret_versions import SecretVersions

ASKING: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "read_timeout": 30,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}
"""Settings of the AWS clients, for a person who waits for the answer."""

PRODUCTION: Final = frozenset({"prod", "production"})
"""The values of the tag `environment` that mean it; samconfig.toml sets the first."""


IN_A_HURRY: Final[Mapping[str, Any]] = {
    "connect_timeout": 1,
    "read_timeout": 1,
    "retries": {"mode": "standard", "total_max_attempts": 1},
}
"""The same for a person who has pressed TAB."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which stack is asked for: a deployed one by its name, under a profile and in a region; without any, the local."""

    name: str | None = None
    profile: str | None = None
    region: str | None = None

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return any((self.name, self.profile, self.region))

    @property
    def options(self) -> str:
        """The options that find the same stack again, to be put behind a command that somebody is told to give next."""
        options = {"--stack": self.name, "--profile": self.profile, "--region": self.region}
        return "".join(f" {option} {shlex.quote(value)}" for option, value in options.items() if value)

    def find(self) -> "Stack":
        """The stack, which remembers how it was asked for. Raises as `find` does."""
        return replace(find(self.name, self.profile, self.region), asked=self)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of this project's template. `client` makes a client of a service where the stack is.

    `environment` is its tag of that name.

    Each store is imported when it is handed out, so that no command waits for another's.
    """

    name: str
    outputs: Mapping[str, str]
    client: Callable[[str], Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    asked: Where = Where()
    environment: str | None = None

    @property
    def is_production(self) -> bool:
        return (self.environment or "").lower() in PRODUCTION

    @property
    def deployed(self) -> str | None:
        """The name that it was asked for by; None for the local one."""
        return self.asked.name

    @property
    def region(self) -> str:
        region: str = self.client("events").meta.region_name
        return region

    @property
    def account(self) -> str:
        """The number of its AWS account, which the address of its queue has."""
        return self.output("EventQueueUrl").split("/")[-2]

    @property
    def reconciles(self) -> bool:
        """Whether it compares its events with the provider's list, hour by hour."""
        return "ReconcilerLogGroup" in self.outputs

    def output(self, name: str) -> str:
        """An output of the template. Raises `CommandError` if the stack has none of this name."""
        try:
            return self.outputs[name]
        except KeyError:
            raise CommandError(
                f"The stack {self.name} has no output {name}: is it a webhook listener, and deployed?"
            ) from None

    def parameter(self, name: str) -> str:
        """A parameter's value. Raises `CommandError` if the template of the stack has no such parameter."""
        try:
            return self.parameters[name]
        except KeyError:
            raise CommandError(f"The stack {self.name} has no parameter {name}: is it a webhook listener?") from None

    def dynamodb(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self.client("dynamodb"))

    def sqs(self) -> "SQSClient":
        return cast("SQSClient", self.client("sqs"))

    def events(self, at_first: int | None = None) -> "EventRecords":
        """The event table, to be read; `at_first` is how many are read first, None for as many as there may be."""
        from wickiepay_cli.store.event_records import ALL, EventRecords  # noqa: PLC0415  as above

        return EventRecords(self.dynamodb(), self.output("EventTableName"), at_first or ALL)

    def ledger(self) -> "LedgerRecords":
        from wickiepay_cli.store.ledger_records import LedgerRecords  # noqa: PLC0415  as above

        return LedgerRecords(self.dynamodb(), self.output("LedgerTableName"))

    def queue(self) -> "EventQueue":
        from wickiepay.queue import EventQueue  # noqa: PLC0415  as above

        return EventQueue(self.sqs(), self.output("EventQueueUrl"))

    def dead_letters(self) -> "DeadLetters":
        from wickiepay_cli.store.dead_letters import DeadLetters  # noqa: PLC0415  as above

        return DeadLetters(self.sqs(), self.output("DeadLetterQueueUrl"))

    def questions(self) -> "Questions":
        from wickiepay.event_log import EventLog  # noqa: PLC0415  as above
        from wickiepay.ledger import Ledger  # noqa: PLC0415  as above
        from wickiepay_cli.store.acceptances import Questions  # noqa: PLC0415  as above

        client = self.dynamodb()
        events, ledger = EventLog(client, self.output("EventTableName")), Ledger(client, self.output("LedgerTableName"))
        return Questions(client, events, ledger, self.queue())

    def replayer(self) -> "Replayer":
        from wickiepay_cli.store.replays import Replayer  # noqa: PLC0415  as above

        return Replayer(self.dynamodb(), self.output("EventTableName"), self.queue(), clock.now)

    def secret(self) -> "SecretVersions":
        from wickiepay_cli.store.secret_versions import SecretVersions  # noqa: PLC0415  as above

        return SecretVersions(self.client("secretsmanager"), self.output("SigningSecretArn"))

    def signing_secret(self) -> bytes:
        """The secret with which deliveries to this stack are signed at present."""
        return self.secret().current().encode()


def find(
    name: str | None, profile: str | None = None, region: str | None = None, asking: Mapping[str, Any] = ASKING
) -> Stack:
    """The deployed stack `name`, in a profile and a region of the AWS configuration; without a name, the local stack.

    Raises `CommandError` if there is no such stack, and botocore's errors if AWS is out of reach.
    """
    if name is not None:
        return _described(name, partial(client_of, session_of(profile, region), asking=asking))
    if profile or region:
        raise CommandError("A profile or a region only helps to find a deployed stack: name one with --stack.")
    local = local_stack.read(local_stack.state_folder())
    if local is None:
        raise CommandError("No local stack is running: start one with make run, or name a deployed one with --stack.")
    return of_local(local)


def of_local(local: local_stack.LocalStack) -> Stack:
    """The stack that runs on this machine."""
    return Stack(local.stack_name, local.outputs, local.client, local.parameters)


def session_of(profile: str | None, region: str | None = None) -> botocore.session.Session:
    """A session in a profile and a region of the AWS configuration. None stands for the configured default."""
    session = botocore.session.Session(profile=profile)
    session.set_config_variable("region", region)
    return session


def client_of(
    session: botocore.session.Session, service: str, region: str | None = None, asking: Mapping[str, Any] = ASKING
) -> Any:  # noqa: ANN401  typed by its callers
    """A client of a service, in the session's region or another. Raises `CommandError` if it is misconfigured."""
    if session.profile == "":  # the AWS CLI refuses it too, but does not say why
        raise CommandError("--profile, AWS_PROFILE or AWS_DEFAULT_PROFILE is empty: name a profile there, or unset it.")
    try:
        return session.create_client(service, region_name=region, config=Config(**asking))
    except ValueError as error:  # an invalid AWS_ENDPOINT_URL, or the like
        raise CommandError(f"AWS cannot be asked with this configuration: {sentence(error)}") from error


def _described(name: str, client: Callable[[str], Any]) -> Stack:
    cloudformation: CloudFormationClient = client("cloudformation")
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise CommandError(f"There is no stack {name} in {cloudformation.meta.region_name}.") from error
    outputs, parameters = outputs_and_parameters(stack)
    return Stack(name, outputs, client, parameters, environment=tags_of(stack).get("environment"))


def outputs_and_parameters(stack: "StackTypeDef") -> tuple[dict[str, str], dict[str, str]]:
    """The outputs and the parameters of a stack by name, from CloudFormation's description."""
    return (
        {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])},
    )


def tags_of(stack: "StackTypeDef") -> dict[str, str]:
    """The tags of a stack by name, from CloudFormation's description."""
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
