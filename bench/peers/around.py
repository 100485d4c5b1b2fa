"""What Lambda itself imports around every function, before the function's own code."""

import awslambdaric.bootstrap  # noqa: F401


def lambda_handler(event: object, context: object) -> object:  # noqa: ARG001  Lambda passes both
    return event
