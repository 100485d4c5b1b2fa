"""An AWS account's quotas: the defaults in us-east-1, as AWS's documentation gave them in 2026."""

from typing import Final

API_RATE: Final = 10_000
"""Requests a second to all APIs of an account and region. AWS raises it on request."""

API_BURST: Final = 5_000
"""Requests at once to all APIs. AWS derives it from the rate; nobody can ask for it."""

CONCURRENCY: Final = 1_000
"""Invocations at once of all functions. AWS raises it to tens of thousands."""

NEW_CONCURRENCY: Final = 10
"""The same in some new accounts, as their owners report. AWS says that new accounts have less, but no figure."""

INVOCATIONS_PER_CONCURRENCY: Final = 10
"""Synchronous invocations a second for each unit of the quota above: what binds where a function takes under 100 ms."""

SCALING_STEP: Final = 1_000
SCALING_SECONDS: Final = 10
"""Most new environments that a function gets in a given number of seconds. Fixed."""

PARTITION_WRITES: Final = 1_000
"""Write units a second for one partition, so for one key whose items all go to its end. Fixed."""

NEW_TABLE_WRITES: Final = 4_000
"""Write units a second that a new on-demand table or index takes at once; later, twice its peak so far."""

TABLE_WRITES: Final = 40_000
"""Write units a second of one on-demand table. AWS raises it on request."""

IN_FLIGHT: Final = 120_000
"""Messages of a standard queue received and not yet deleted. Beyond it nothing is received, and nothing lost."""

FIRST_POLLERS: Final = 5
"""Batches at once with which Lambda begins to read a queue. It polls with as many when there is nothing to read: with a
maximum concurrency set, AWS does not go down to two."""

POLLERS_PER_MINUTE: Final = 300
"""More of them each minute while messages wait."""

POLLERS: Final = 1_250
"""Most batches at once of a mapping without a maximum concurrency; that parameter takes at most 1,000."""

PROVISIONED_POLLERS: Final = 2_000
PROVISIONED_BATCHES: Final = 10
PROVISIONED_POLLS: Final = 10
PROVISIONED_BYTES: Final = 1_000_000
"""Most pollers of a mapping in provisioned mode, and what each takes: batches at once, requests to the queue a second,
bytes a second. It excludes a maximum concurrency."""

PROVISIONED_POLLERS_ELSEWHERE: Final = 10_000
"""The same in the text of AWS's API reference, whose valid range ends at the figure above."""

PUT_EVENTS: Final = 10_000
"""PutEvents requests a second (2,400 or fewer in other regions). AWS raises it on request."""

CHUNK: Final = 64 * 1024
"""Bytes that SQS and EventBridge count as one request or event."""

WRITE_UNIT: Final = 1024
READ_UNIT: Final = 4096
"""Bytes of an item."""
