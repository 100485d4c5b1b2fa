"""The names of all metrics that the functions emit, in the stack's own namespace."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Metric(StrEnum):
    """Metric names. Alarms, the dashboard and outside monitoring refer to the values, so no value ever changes."""

    # Deliveries: by outcome, by detour around a store that was down, by scheme and by secret
    DELIVERY_ACCEPTED = "DeliveryAccepted"
    DELIVERY_DUPLICATE = "DeliveryDuplicate"
    DELIVERY_CONFLICT = "DeliveryConflict"
    DELIVERY_UNUSABLE = "DeliveryUnusable"
    DELIVERY_FORGED = "DeliveryForged"
    DELIVERY_REFUSED = "DeliveryRefused"
    DELIVERY_UNAVAILABLE = "DeliveryUnavailable"
    DELIVERY_UNRECORDED = "DeliveryUnrecorded"
    DELIVERY_UNSENT = "DeliveryUnsent"
    SCHEME_RAW = "SchemeRaw"
    SCHEME_NODE = "SchemeNode"
    SCHEME_PYTHON = "SchemePython"
    SECRET_CURRENT = "SecretCurrent"  # noqa: S105  a name
    SECRET_PREVIOUS = "SecretPrevious"  # noqa: S105  a name

    # Events: by outcome
    EVENT_PROCESSED = "EventProcessed"
    EVENT_IGNORED = "EventIgnored"
    EVENT_FAILED = "EventFailed"
    EVENT_RETRIED = "EventRetried"
    EVENT_SKIPPED = "EventSkipped"
    RETRY_AGE_SECONDS = "RetryAgeSeconds"
    UNKNOWN_MONEY_EVENT = "UnknownMoneyEvent"
    MESSAGE_MALFORMED = "MessageMalformed"

    # The relay's backlog
    UNSENT = "Unsent"
    UNSENT_OLDEST_SECONDS = "UnsentOldestSeconds"

    # The reconciler: what the provider lists and is not here
    MISSING = "Missing"
    REPLAYS_ASKED = "ReplaysAsked"
    MISSING_OLDEST_SECONDS = "MissingOldestSeconds"
    RECONCILE_BRAKED = "ReconcileBraked"


LEAN: Final = frozenset(
    {
        Metric.DELIVERY_CONFLICT,
        Metric.DELIVERY_FORGED,
        Metric.DELIVERY_REFUSED,
        Metric.DELIVERY_UNAVAILABLE,
        Metric.DELIVERY_UNUSABLE,
        Metric.EVENT_FAILED,
        Metric.MESSAGE_MALFORMED,
        Metric.MISSING_OLDEST_SECONDS,
        Metric.RECONCILE_BRAKED,
        Metric.RETRY_AGE_SECONDS,
        Metric.SECRET_PREVIOUS,
        Metric.UNKNOWN_MONEY_EVENT,
        Metric.UNSENT_OLDEST_SECONDS,
    }
)
"""The metrics with `Monitoring` lean: those that ring an alarm, and the one that `secret retire` asks for.

Each metric is billed for every hour in which it is emitted. Healthy traffic emits one of these, the relay's. The
reconciler, if there is one, emits two.
"""


def emitted(monitoring: str) -> frozenset[Metric]:
    """The metrics that the functions emit with this value of the parameter `Monitoring`."""
    return LEAN if monitoring == "lean" else frozenset(Metric)


OF_SCHEME: Final[Mapping[str, Metric]] = {
    "raw": Metric.SCHEME_RAW,
    "node": Metric.SCHEME_NODE,
    "python": Metric.SCHEME_PYTHON,
}
"""Signature scheme → the metric that counts the deliveries which it signed."""
