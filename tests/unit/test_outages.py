"""What counts as an outage: network, time, throttling, 5xx, nothing else. And importing a store does nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

import wickiepay
from wickiepay.errors import StoreUnavailable
from wickiepay.outages import error_code, is_outage, outages

URL = "https://dynamodb.invalid"


def answered(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutItem")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        SSLError(endpoint_url=URL, error=OSError("handshake")),
        ProxyConnectionError(proxy_url=URL, error="refused"),
        ConnectionClosedError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        ResponseStreamingError(error="cut off"),
        HTTPClientError(error="something else"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_store_that_cannot_be_reached_is_out(error: Exception) -> None:
    with (
        pytest.raises(StoreUnavailable, match=f"The store did not answer: {type(error).__name__}"),
        outages("The store"),
    ):
        raise error


@pytest.mark.parametrize(
    ("code", "status"),
    [
        # Restated, not read from THROTTLED: these are AWS's words.
        ("LimitExceededException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("ThrottlingException", 400),
        ("RequestLimitExceeded", 400),
        ("RequestThrottled", 403),
        ("Throttling", 400),
        ("ThrottledException", 400),
        ("TooManyRequestsException", 400),
        ("KMS.ThrottlingException", 400),
        ("KmsThrottled", 400),
        ("", 429),
        ("InternalServerError", 500),
        ("InternalFailure", 500),
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("502", 502),
        ("", 504),
    ],
)
def test_a_store_that_cannot_answer_now_is_out(code: str, status: int) -> None:
    with pytest.raises(StoreUnavailable, match=f"The store cannot answer: {code}"), outages("The store"):
        raise answered(code, status)


@pytest.mark.parametrize(
    "error",
    [
        answered("ValidationException", 400),
        answered("ConditionalCheckFailedException", 400),
        answered("AccessDeniedException", 400),
        answered("ResourceNotFoundException", 400),
        answered("TransactionCanceledException", 400),
        answered("QueueDoesNotExist", 404),
        ClientError({}, "PutItem"),
        ParamValidationError(report="wrong"),
        ValueError("a bug"),
    ],
    ids=str,
)
def test_every_other_error_is_our_own(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, outages("The store"):
        raise error
    assert caught.value is error


def test_the_cause_of_an_outage_is_kept() -> None:
    with pytest.raises(StoreUnavailable) as caught, outages("The store"):
        raise ReadTimeoutError(endpoint_url=URL)

    assert isinstance(caught.value.__cause__, ReadTimeoutError)


def test_an_error_that_is_none_of_aws_has_no_code() -> None:
    assert error_code(ClientError({}, "PutItem")) == ""
    assert not is_outage(ClientError({}, "PutItem"))


STORES = ("bus", "event_log", "ledger", "queue", "signing_secrets")
IMPORTED = """
import gc, re, sys
before = re.compile
from wickiepay import STORES
assert re.compile is before
assert gc.isenabled()
assert not gc.get_freeze_count()
assert "botocore.session" not in sys.modules
"""


def test_importing_the_stores_does_nothing_to_a_process() -> None:
    program = IMPORTED.replace("STORES", ", ".join(STORES))
    environment = {**os.environ, "PYTHONPATH": str(Path(wickiepay.__file__).parents[1])}

    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
