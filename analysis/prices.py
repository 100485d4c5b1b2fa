"""AWS's prices: us-east-1, on demand, arm64, in USD, without free tiers, as found in November 2026.

From AWS's price lists as second-hand pages of 2026 quote them. Check them before relying on a figure made of them.
"""

from dataclasses import dataclass
from typing import Final

MILLION: Final = 1_000_000
GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for `per` of `unit`."""

    what: str
    usd: float
    per: int
    unit: str

    def of(self, number: float) -> float:
        """The price of a number of units."""
        return self.usd * number / self.per


API_REQUEST: Final = Price("API Gateway, HTTP API", 1.00, MILLION, "requests of up to 512 KB")
INVOCATION: Final = Price("Lambda", 0.20, MILLION, "invocations")
GB_SECOND: Final = Price("Lambda, arm64", 13.33, MILLION, "GB-seconds, initialisation included")
WRITE_UNIT: Final = Price("DynamoDB, on demand", 0.625, MILLION, "write units (1 KB)")
READ_UNIT: Final = Price("DynamoDB, on demand", 0.125, MILLION, "read units (4 KB, consistent)")
WRITE_CAPACITY: Final = Price("DynamoDB, provisioned write capacity", 0.00065, 1, "unit-hours (3,600 write units)")
TABLE_GB: Final = Price("DynamoDB, storage", 0.25, 1, "GB-months")
RESTORABLE_GB: Final = Price("DynamoDB, point-in-time recovery", 0.20, 1, "GB-months, indexes not counted")
QUEUE_REQUEST: Final = Price("SQS, standard queue", 0.40, MILLION, "requests (64 KB)")
ANNOUNCEMENT: Final = Price("EventBridge, custom events", 1.00, MILLION, "events (64 KB)")
SCHEDULE: Final = Price("EventBridge Scheduler", 1.00, MILLION, "invocations")
LOG_GB: Final = Price("CloudWatch Logs, taken in", 0.50, 1, "GB")
LOG_GB_MONTH: Final = Price("CloudWatch Logs, kept", 0.03, 1, "GB-months, compressed")
METRIC: Final = Price("CloudWatch, custom metrics", 0.30, 1, "metric-months, by the hour")
ALARM: Final = Price("CloudWatch, alarms", 0.10, 1, "alarm-months")
DASHBOARD: Final = Price("CloudWatch, dashboards", 3.00, 1, "dashboard-months")
SECRET: Final = Price("Secrets Manager, secrets", 0.40, 1, "secret-months")
SECRET_CALL: Final = Price("Secrets Manager, calls", 0.05, 10_000, "calls")
SENT_GB: Final = Price("Data sent to the internet", 0.09, 1, "GB")
OBJECT_PUT: Final = Price("S3, PUT", 5.00, MILLION, "requests")
OBJECT_GET: Final = Price("S3, GET", 0.40, MILLION, "requests")
OBJECT_GB: Final = Price("S3, storage", 0.023, 1, "GB-months")

INFREQUENT_STORAGE: Final = 0.4
INFREQUENT_REQUESTS: Final = 1.25
"""What DynamoDB's table class for infrequent access asks for storage and for requests, of the standard one's price."""

ALL: Final = tuple(each for each in list(globals().values()) if isinstance(each, Price))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A plan of a hosted service: what it costs a month, what that includes, and what each further event costs."""

    name: str
    usd: float
    events: int
    further_usd: float | None
    source: str

    def per_million(self) -> float:
        """A million events a month, divided into whole plans where nothing is said of further events."""
        if self.further_usd is None:
            return self.usd * MILLION / self.events
        return self.usd + max(0, MILLION - self.events) * self.further_usd


GATEWAYS: Final = (
    Gateway("Hookbase Business (receives)", 79, 2 * MILLION, None, "hookbase.app/pricing, October 2026"),
    Gateway("Hookbase Pro (receives)", 29, 500_000, None, "hookbase.app/pricing, October 2026"),
    Gateway("Svix Professional (sends)", 490, 50_000, 0.0001, "svix.com/pricing, September 2026"),
)
"""As a public collection transcribed the vendors' own pages on that date."""
