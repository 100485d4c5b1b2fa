"""The functions of one version of the listener, in a process of their own: a line of JSON in, a line of JSON out.

Run with that version's functions and layer on PYTHONPATH, and with the environment of the functions.
"""

import json
import os
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # where log lines do not stand between the answers
    import consumer  # noqa: PLC0415
    import ingest  # noqa: PLC0415

    for line in sys.stdin:
        asked = json.loads(line)
        if "accept" in asked:
            accept(**asked["accept"])
            answer: Any = {}
        elif "request" in asked:
            answer = ingest.lambda_handler(asked["request"], None)
        else:
            answer = consumer.lambda_handler({"Records": asked["records"]}, None)
        print(json.dumps(answer), file=answers, flush=True)


def accept(uuid: str, event_key: str) -> None:
    """What an operator of version 0.1 did to accept a conflict."""
    import boto3  # noqa: PLC0415

    from wickiepay import clock  # noqa: PLC0415
    from wickiepay.identity import Identity  # noqa: PLC0415
    from wickiepay.queue import EventQueue  # noqa: PLC0415

    queue = EventQueue(boto3.client("sqs"), os.environ["EVENT_QUEUE_URL"])
    version: Any = import_module("wickiepay_cli.acceptance")  # of that version
    acceptances = version.Acceptances(boto3.client("dynamodb"), os.environ["EVENT_TABLE"], queue)
    acceptances.accept(Identity(uuid, event_key), "somebody", "", clock.now())


if __name__ == "__main__":
    main()
