"""Clients of AWS, and what counts as AWS being out of reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from wickiepay import sdk

# isort: split
import botocore
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own
    ConnectTimeoutError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
)

from wickiepay.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_codedeploy import CodeDeployClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

# A store that hangs must become a failed store while there is time for the other one. Ingest makes at most two calls
# for the secret and three after it, each of two seconds at the most: it answers within ten, whatever hangs.
CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 1.0

INVOKE_SECONDS: Final = 75.0
"""For a function that starts cold (ten seconds) and takes as long as the slowest of ours may (the relay, 55)."""

CODEDEPLOY_SECONDS: Final = 10.0
"""Nobody waits for CodeDeploy: here a slow answer is better than none."""

USER_AGENT: Final = f"wickiepay-webhook-listener Botocore/{botocore.__version__}"
"""What CloudTrail shows of who asked. By itself botocore puts a longer text together twice for each call."""

THROTTLED: Final = frozenset(
    {
        "KMS.ThrottlingException",
        "KmsThrottled",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes below 500 by which AWS says: not now. The first two are KMS's, in the words of DynamoDB and of SQS."""

TOO_MANY_REQUESTS: Final = 429


def _client(service: str, *, attempts: int, connections: int = 10, read_seconds: float = READ_SECONDS) -> Any:  # noqa: ANN401  typed by its callers
    client: Any = sdk.client(
        service,
        Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=connections,
            user_agent=USER_AGENT,
        ),
    )
    service_id = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"needs-retry.{service_id}", _not_after_a_time_out)
    return client


def _not_after_a_time_out(caught_exception: Exception | None, **_: object) -> bool | None:
    """False to botocore's question whether to call again; None leaves it to botocore.

    What hangs will hang again, and the time is the other store's. (A closed connection or a 5xx costs no time.)
    """
    return False if isinstance(caught_exception, (ConnectTimeoutError, ReadTimeoutError)) else None


def dynamodb(*, attempts: int = 2, connections: int = 10) -> "DynamoDBClient":
    """A client of DynamoDB that makes at most `attempts` calls of each request, over at most `connections`."""
    client: DynamoDBClient = _client("dynamodb", attempts=attempts, connections=connections)
    return client


def sqs(*, attempts: int = 2, connections: int = 10) -> "SQSClient":
    """A client of SQS that makes at most `attempts` calls of each request, over at most `connections`."""
    client: SQSClient = _client("sqs", attempts=attempts, connections=connections)
    return client


def events(*, attempts: int = 2) -> "EventBridgeClient":
    """A client of EventBridge that makes at most `attempts` calls of each request."""
    client: EventBridgeClient = _client("events", attempts=attempts)
    return client


def secretsmanager(*, attempts: int = 1) -> "SecretsManagerClient":
    """A client of Secrets Manager that makes at most `attempts` calls of each request."""
    client: SecretsManagerClient = _client("secretsmanager", attempts=attempts)
    return client


def lambda_(*, attempts: int = 6) -> "LambdaClient":
    """A client of Lambda that makes at most `attempts` calls of each request, and waits for what functions take.

    So many because a flood of deliveries may take up all that can run at once, and must not hold back a new version.
    """
    client: LambdaClient = _client("lambda", attempts=attempts, read_seconds=INVOKE_SECONDS)
    return client


def codedeploy(*, attempts: int = 5) -> "CodeDeployClient":
    """A client of CodeDeploy that makes at most `attempts` calls of each request."""
    client: CodeDeployClient = _client("codedeploy", attempts=attempts, read_seconds=CODEDEPLOY_SECONDS)
    return client


def error_code(error: ClientError) -> str:
    """The code of an error that AWS answered with, for example `ConditionalCheckFailedException`."""
    return error.response.get("Error", {}).get("Code", "")


def is_outage(error: ClientError) -> bool:
    """Whether AWS answered that it cannot answer now (throttling, or a fault of its own), rather than that we erred."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status == TOO_MANY_REQUESTS or status >= 500 or error_code(error) in THROTTLED


@contextmanager
def outages(store: str) -> Iterator[None]:
    """Turns network errors, time-outs, throttling and 5xx into `StoreUnavailable`; every other error is our own bug."""
    try:
        yield
    except (ConnectionError, HTTPClientError, IncompleteReadError) as error:  # no connection, no answer, half an answer
        raise StoreUnavailable(f"{store} did not answer: {type(error).__name__}.") from error
    except ClientError as error:
        if is_outage(error):
            raise StoreUnavailable(f"{store} cannot answer: {error_code(error)}.") from error
        raise
