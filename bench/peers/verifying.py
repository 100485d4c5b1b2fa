"""The verification of a signature alone, by our own code: no request around it, no log line, no metric."""

from typing import Any

from wickiepay.errors import SignatureMismatch
from wickiepay.signature import parse_signature, verify


def lambda_handler(event: dict[str, Any], context: object) -> bool:  # noqa: ARG001  Lambda passes both
    try:
        verify(event["body"], parse_signature(event["signature"]), (event["secret"],), event["schemes"])
    except SignatureMismatch:
        return False
    return True
