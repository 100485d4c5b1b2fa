"""The consumer with one thread: what its calls take one after another."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import consumer

_consumer = replace(consumer.consumer, threads=ThreadPoolExecutor(1))


def lambda_handler(event: dict[str, Any], context: object) -> object:  # noqa: ARG001  Lambda passes both
    return _consumer.process(event["Records"])
