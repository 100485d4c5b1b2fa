"""What a command says of an error names what to do about it."""

from typing import Any

import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError

from wickiepay.errors import StoreUnavailable
from wickiepay_cli.errors import CommandError, sentence

URL: Any = {"endpoint_url": "https://cloudformation.eu-wst-1.amazonaws.com/"}


def refusal(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": f"{code}."}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (sdk.NoCredentialsError(), "Sign in (aws sso login, aws configure)"),
        (sdk.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"), "Sign in ("),
        (sdk.TokenRetrievalError(provider="sso", error_msg="Token has expired"), "Sign in anew"),
        (sdk.UnauthorizedSSOTokenError(), "Sign in anew"),
        (sdk.ProfileNotFound(profile="nope"), "aws configure list-profiles"),
        (sdk.NoRegionError(), "--region"),
        (sdk.InvalidRegionError(region_name="eu wst"), "--region"),
        (sdk.EndpointConnectionError(**URL), "whether the network is up"),
        (sdk.ConnectTimeoutError(**URL), "whether the network is up"),
        (sdk.ReadTimeoutError(**URL), "again in a moment"),
        (StoreUnavailable("The event table cannot answer: ThrottlingException."), "again in a moment"),
        (refusal("AccessDenied"), "Ask for this permission"),
        (refusal("AccessDeniedException"), "Ask for this permission"),
        (refusal("ExpiredToken"), "Sign in anew"),
        (refusal("UnrecognizedClientException"), "sign in anew"),
        (refusal("Throttling"), "again in a moment"),
        (refusal("InternalFailure", 500), "again in a moment"),
    ],
)
def test_what_aws_or_its_sdk_says_gets_a_remedy(error: Exception, remedy: str) -> None:
    said = sentence(error)
    assert (remedy in said, said.endswith("."), ".." in said) == (True, True, False)


@pytest.mark.parametrize("error", [CommandError("There is no such event"), refusal("ValidationError")])
def test_what_says_enough_by_itself_gets_none(error: Exception) -> None:
    assert sentence(error).count(".") == 1
