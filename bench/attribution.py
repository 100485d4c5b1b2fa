"""Loaded into a counted process by launch.py: says which package, or which stage of a delivery, each part belongs to.

Callgrind knows C functions and no Python modules. So a part of its count is ended whenever another package's code runs:
at every import, when a client is made, and at the seams between the stages of a delivery.
"""

import posix
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, Final

LIBRARIES: Final = {
    "botocore": "botocore",
    "boto3": "boto3",
    "s3transfer": "boto3",
    "urllib3": "urllib3",
    "aws_lambda_powertools": "Powertools",
    "aws_xray_sdk": "X-Ray SDK",
    "wrapt": "X-Ray SDK",
    "jmespath": "other libraries",
    "dateutil": "other libraries",
    "six": "other libraries",
    "typing_extensions": "other libraries",
    "wickiepay": "own code",
}
STANDARD, OWN, CLIENTS, REST = "standard library", "own code", "making clients", "the rest"
AUTHORITIES, HANDSHAKES = "TLS: whom to trust", "TLS: handshakes"
FUNCTIONS: Final = frozenset(
    {"ingest", "http_request", "warm_start", "consumer", "handlers", "careful", "typical", "bare_calls"}
)

SEAMS: Final = (
    ("ingest", "verify", "verifying"),
    ("ingest", "parse", "reading the event"),
    ("ingest", "logger.info", "log line"),
    ("wickiepay.emf", "EmfLog.write", "log line"),
    ("ingest", "metrics.add_metric", "metric line"),
    ("ingest", "metrics.flush_metrics", "metric line"),
    ("careful", "logger.info", "log line"),
    ("typical", "logger.info", "log line"),
    ("ssl", "SSLContext.load_verify_locations", AUTHORITIES),
    ("ssl", "SSLSocket.do_handshake", HANDSHAKES),
    ("botocore.client", "BaseClient._make_api_call", "botocore"),
    ("botocore.client", "BaseClient._convert_to_request_dict", "writing requests"),
    ("botocore.client", "BaseClient._resolve_endpoint_ruleset", "finding endpoints"),
    ("botocore.auth", "SigV4Auth.add_auth", "signing requests"),
    ("botocore.httpsession", "URLLib3Session.send", "HTTP"),
    ("botocore.parsers", "ResponseParser.parse", "reading answers"),
)
"""Module, what in it, and the stage of a delivery that it is. What is not there is passed over."""

parts: list[tuple[int, str]] = []
"""For each part that has ended: the step of the plan, and what it belongs to."""

_stack = [REST]
_step = 0


def step_ended() -> None:
    """Called by launch.py right after it has ended a part by itself."""
    global _step  # noqa: PLW0603  there is one process, and one plan
    parts.append((_step, _stack[-1]))
    _step += 1


def _end_part() -> None:
    posix.getpriority(0, 0)
    parts.append((_step, _stack[-1]))


def _within(label: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def attributed(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  whatever the wrapped one takes
        if _stack[-1] == label:
            return work(*arguments, **named)
        _end_part()
        _stack.append(label)
        try:
            return work(*arguments, **named)
        finally:
            _end_part()
            _stack.pop()

    return attributed


class _Imports:
    """Finds what Python finds, and has its code run under the name of its package."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ANN401
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            top = name.partition(".")[0]
            label = OWN if top in FUNCTIONS else LIBRARIES.get(top, STANDARD)
            run = _within(label, spec.loader.exec_module)
            spec.loader.exec_module = _and_watch_clients(run) if name == "botocore.session" else run  # type: ignore[method-assign]
        return spec


def _and_watch_clients(run: Callable[..., Any]) -> Callable[..., Any]:
    def run_and_watch(module: Any) -> None:  # noqa: ANN401  botocore.session
        run(module)
        module.Session.create_client = _within(CLIENTS, module.Session.create_client)

    return run_and_watch


def watch_imports() -> None:
    sys.meta_path.insert(0, _Imports())


def watch_stages() -> None:
    """For what comes after the import."""
    for module, path, label in SEAMS:
        *outer, name = path.split(".")
        with suppress(KeyError, AttributeError):
            holder: Any = sys.modules[module]
            for part in outer:
                holder = getattr(holder, part)
            setattr(holder, name, _within(label, getattr(holder, name)))
