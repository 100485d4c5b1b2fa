"""Which errors of AWS count as an outage."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own
    HTTPClientError,
    IncompleteReadError,
)

from wickiepay.errors import StoreUnavailable

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
"""Throttling errors that AWS sends with a 4xx status. The first two are KMS errors, as DynamoDB and SQS name them."""

TOO_MANY_REQUESTS: Final = 429


def error_code(error: ClientError) -> str:
    """The code of an error from AWS, for example `ConditionalCheckFailedException`."""
    return error.response.get("Error", {}).get("Code", "")


def is_outage(error: ClientError) -> bool:
    """Whether AWS cannot serve the call now: it throttled it, or failed by its own fault."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status == TOO_MANY_REQUESTS or status >= 500 or error_code(error) in THROTTLED


@contextmanager
def outages(store: str) -> Iterator[None]:
    """Turns network errors, time-outs, throttling and 5xx into `StoreUnavailable`. Any other error is our own bug."""
    try:
        yield
    except (ConnectionError, HTTPClientError, IncompleteReadError) as error:  # no connection, no answer, half an answer
        raise StoreUnavailable(f"{store} did not answer: {type(error).__name__}.") from error
    except ClientError as error:
        if is_outage(error):
            raise StoreUnavailable(f"{store} cannot answer: {error_code(error)}.") from error
        raise
