"""Assumptions that were neither measured nor promised by anyone. Put in figures of your own account if you have any."""

import json
from collections.abc import Mapping
from typing import Final

CALL_SECONDS: Final[Mapping[str, float]] = {
    "dynamodb:BatchGetItem": 0.006,
    "dynamodb:PutItem": 0.006,
    "dynamodb:Query": 0.006,
    "dynamodb:UpdateItem": 0.006,
    "dynamodb:TransactWriteItems": 0.015,
    "sqs:SendMessage": 0.010,
    "sqs:SendMessageBatch": 0.010,
    "sqs:ReceiveMessage": 0.010,
    "sqs:DeleteMessage": 0.010,
    "events:PutEvents": 0.020,
    "secretsmanager:GetSecretValue": 0.030,
}
"""The mean time of a call within a region. AWS says "single-digit milliseconds" of DynamoDB, of the rest nothing."""

SLOW_CALLS: Final = 0.01
SLOWER: Final = 10
"""One call in a hundred takes ten times the mean; the others spread evenly, from half to one and a half of theirs."""

START_SECONDS: Final = 0.2
"""Time that AWS needs to make an environment, before any of our code runs."""

WHOLE_CPU_MB: Final = 1769
"""Memory at which a function has one CPU (AWS's figure). With less it has that share of one; also while it starts,
where AWS may give it more."""

IDLE_SECONDS: Final = 300
"""Time for which AWS keeps an idle environment."""

COLD_SHARE: Final = 0.01
"""Invocations that find no environment, in the costs. The simulation finds its own."""

DEADLINE_SECONDS: Final = 30
ATTEMPTS: Final = 3
"""WickiePay's time to wait for an answer, and its number of attempts in all."""

FIRST_PAUSE_SECONDS: Final = 60
"""Pause before WickiePay's second attempt; it doubles. WickiePay says "exponential backoff", but gives no figure."""

OUTAGE_SECONDS: Final = 600
REPLAY_AFTER_SECONDS: Final = 240
REPLAY_SECONDS: Final = 60
"""The storm: the length of an outage, the time from its end until WickiePay is asked to replay all that it gave up, and
the time over which it spreads the replay."""

POLL_SECONDS: Final = 20
"""Time for which a request to an empty queue waits."""

LOG_LINE_BYTES: Final = 26
"""Bytes that CloudWatch counts on top of each line."""

LOG_PACKED: Final = 0.15
"""Share of a log's bytes that is left after CloudWatch has compressed them."""

_FUNCTION: Final = "arn:aws:lambda:us-east-1:123456789012:function:wickiepay-prod-IngestFunction-AbCdEfGhIjKl:live"
_REQUEST: Final = "7f1c2a52-9f3e-4c1e-8a51-6d2f3f1f0a11"
_TIME: Final = "2026-01-15T10:25:00.031Z"
_METRICS: Final = {"durationMs": 26.71, "billedDurationMs": 27, "memorySizeMB": 512, "maxMemoryUsedMB": 61}
_RECORDS: Final[Mapping[str, Mapping[str, object]]] = {
    "start": {"requestId": _REQUEST, "functionArn": _FUNCTION, "version": "12"},
    "report": {"requestId": _REQUEST, "metrics": _METRICS, "status": "success"},
}
PLATFORM_LINES: Final = tuple(
    json.dumps({"time": _TIME, "type": f"platform.{name}", "record": record}, separators=(",", ":"))
    for name, record in _RECORDS.items()
)
"""The platform's log lines of each invocation at the level INFO, in the format of its documentation."""

ACCESS_LOG_VALUES: Final[Mapping[str, str]] = {
    "requestTime": "15/Jan/2026:10:25:00 +0000",
    "requestId": "JKJaXmPLvHcESHA=",
    "identity.sourceIp": "192.0.2.10",
    "httpMethod": "POST",
    "path": "/webhooks/wickiepay",
    "status": "200",
    "responseLatency": "31",
    "responseLength": "104",
    "error.message": "-",
}
"""Values of the usual length for the variables of the access log."""

RELAY_LOG_BYTES: Final = 560
RELAY_QUERIES_READ_UNITS: Final = 0.5
RELAYED_CPU_SECONDS: Final = 0.00063
"""Of the relay for an event: a tenth of what it takes to read and send ten, and what clearing a flag takes."""

RELAY_CPU_SECONDS: Final = 0.008
"""What a run costs that finds nothing: its two log lines, the billed queries of an empty index, and its own work."""

ANSWER_BYTES: Final = 500
"""Bytes of an answer with its headers."""

INDEX_ENTRY_BYTES: Final = 100
"""Bytes that DynamoDB counts on top of each stored item."""


def pauses() -> list[float]:
    """WickiePay's, before each attempt after the first."""
    return [FIRST_PAUSE_SECONDS * 2**number for number in range(ATTEMPTS - 1)]
