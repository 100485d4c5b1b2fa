"""The functions' AWS clients. They give up early, so that a hanging store is treated as a failed one."""

from typing import TYPE_CHECKING, Any, Final, cast

import botocore
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from wickiepay import sdk

if TYPE_CHECKING:
    from types_boto3_codedeploy import CodeDeployClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient

# A store that hangs must fail while there is time for the other one. Ingest makes at most two calls for the secret and
# three more, each of at most two seconds, so it answers within ten seconds in any case.
CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 1.0

INVOKE_SECONDS: Final = 75.0
"""Enough for a cold start (ten seconds) and the longest time-out of the functions (the relay's, 55 seconds)."""

CODEDEPLOY_SECONDS: Final = 10.0
"""Nobody waits for CodeDeploy, so a slow answer is better than none."""

USER_AGENT: Final = f"wickiepay-webhook-listener Botocore/{botocore.__version__}"
"""User agent, as CloudTrail shows it. botocore's default is longer and is rebuilt twice for each call."""


def _client(service: str, *, attempts: int, connections: int = 10, read_seconds: float = READ_SECONDS) -> Any:  # noqa: ANN401  typed by its callers
    client: Any = sdk.client(
        service,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        user_agent=USER_AGENT,
        # Saves 6 % of a warm delivery. In the tests all calls are validated: see tests/conftest.py.
        parameter_validation=False,
    )
    service_id = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"needs-retry.{service_id}", _not_after_a_time_out)
    return client


def _not_after_a_time_out(caught_exception: Exception | None, **_: object) -> bool | None:
    """False when botocore asks whether to retry a call that timed out; otherwise None, which leaves it to botocore.

    A call that timed out will time out again, and the other store needs the time that is left. (A closed connection or
    a 5xx fails fast and may be retried.)
    """
    return False if isinstance(caught_exception, (ConnectTimeoutError, ReadTimeoutError)) else None


def dynamodb(connections: int = 10) -> "DynamoDBClient":
    """A DynamoDB client that makes at most two calls per request, over at most `connections`."""
    return cast("DynamoDBClient", _client("dynamodb", attempts=2, connections=connections))


def sqs() -> "SQSClient":
    """An SQS client that makes at most two calls per request."""
    return cast("SQSClient", _client("sqs", attempts=2))


def events() -> "EventBridgeClient":
    """An EventBridge client that makes at most two calls per request."""
    return cast("EventBridgeClient", _client("events", attempts=2))


def secretsmanager() -> "SecretsManagerClient":
    """A Secrets Manager client that makes one call per request."""
    return cast("SecretsManagerClient", _client("secretsmanager", attempts=1))


def functions() -> "LambdaClient":
    """A Lambda client that waits as long as a function may run.

    Six attempts, because a flood of deliveries can use up the account's concurrency and must not block a deployment.
    """
    return cast("LambdaClient", _client("lambda", attempts=6, read_seconds=INVOKE_SECONDS))


def codedeploy() -> "CodeDeployClient":
    """A CodeDeploy client that makes at most five calls per request."""
    return cast("CodeDeployClient", _client("codedeploy", attempts=5, read_seconds=CODEDEPLOY_SECONDS))
