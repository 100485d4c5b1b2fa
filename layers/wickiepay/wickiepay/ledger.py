"""The ledger table: payments, resources, credits and balances. Every write is conditional and can be repeated.

`wickiepay.ledger_items` describes what the table holds, and `wickiepay.credits` decides what is credited.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, assert_never

from wickiepay import ledger_items as items
from wickiepay.credits import Verdict, decide
from wickiepay.decimals import plain
from wickiepay.dynamodb import Item, all_items, text
from wickiepay.effects import Credit, Effect, Family, Refuse, SetPayment, SetResource
from wickiepay.errors import AdjustmentRefused, PermanentFailure, StoreUnavailable
from wickiepay.ledger_items import Adjustment, Entry, Row
from wickiepay.outages import outages
from wickiepay.payments import Payment, merge

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesTypeDef

ATTEMPTS: Final = 12
"""Most tries of one write. If two touch one payment or balance at once, one of them has to read and decide again."""

BACKOFF_SECONDS: Final = 0.05
LONGEST_BACKOFF_SECONDS: Final = 0.8
"""The pause before the second try is at most `BACKOFF_SECONDS`. It doubles with each try, up to this."""

_STORE = "The ledger table"

type Rows = MutableMapping[tuple[str, Family], Row]
"""What is known of payments, by uuid and family. A write based on outdated rows fails, and is decided again."""


class Ledger:
    """The ledger table. Tests replace `sleep` and `jitter` (a factor from 0 to 1 for each pause)."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self.table = table
        self._sleep = sleep
        self._jitter = jitter

    # --- Reading ---------------------------------------------------------------------------------
    @staticmethod
    def reading(payments: Iterable[SetPayment | Credit]) -> "KeysAndAttributesTypeDef | None":
        """What a BatchGetItem has to read from this table for `rows`, or None."""
        keys = {(key["pk"]["S"], key["sk"]["S"]): key for each in payments for key in items.payment_keys(each)}
        return {"Keys": list(keys.values()), "ConsistentRead": True} if keys else None

    @staticmethod
    def rows(payments: Iterable[SetPayment | Credit], found: Sequence["Item"]) -> Rows:
        """The payments, from the items that were `found` for the request of `reading`."""
        rows: Rows = {}
        for payment in payments:
            partitions = set(items.payment_partitions(payment))
            own = [item for item in found if item["pk"]["S"] in partitions]
            rows[payment.uuid, payment.family] = items.row_of(own, payment.family)
        return rows

    def standing(self, payment: SetPayment | Credit) -> tuple[Payment, list[Entry]]:
        """A payment and all its entries in the books, read consistently. Raises `StoreUnavailable`."""
        return self._read(payment).payment, self._entries(payment)

    # --- Writing ---------------------------------------------------------------------------------
    def apply(self, effect: Effect, rows: Rows) -> bool:
        """Applies an effect. Returns whether the books now stand as it says, because of it.

        `rows` is what is known of payments; it is kept up to date. Raises `StoreUnavailable`, and `PermanentFailure`
        if a person has to look at the event.
        """
        match effect:
            case SetPayment():
                return self._join(effect, rows)
            case SetResource():
                return self._put_if_later(effect)
            case Credit():
                return self._credit(effect, rows)
            case Refuse():
                raise PermanentFailure(effect.reason)
            case _:
                assert_never(effect)

    def adjust(self, adjustment: Adjustment, *, below_zero: bool) -> bool:
        """Adds an operator's entry to a balance. Returns False if an entry with this id and content already exists.

        Raises `AdjustmentRefused` if the id was used for something else, or if the balance would fall below zero and
        `below_zero` does not allow it. Raises `StoreUnavailable`.
        """
        item = items.adjustment_item(adjustment)
        update = self._added(adjustment.account, adjustment.currency, adjustment.amount)
        if adjustment.amount < 0 and not below_zero:
            update["ConditionExpression"] = "amount >= :least"
            update["ExpressionAttributeValues"][":least"] = {"N": plain(adjustment.amount.copy_negate())}
        for _ in self._tries():
            outcome = self._transact([self._absent(item), {"Update": update}])
            match outcome:
                case None:
                    return True
                case [{"Code": "ConditionalCheckFailed", "Item": existing}, *_]:
                    if not items.same_adjustment(existing, item):
                        raise AdjustmentRefused(f"The id {adjustment.id} was used for another adjustment.")
                    return False
                case [_, {"Code": "ConditionalCheckFailed"}]:
                    raise AdjustmentRefused(f"The balance of {adjustment.account} would fall below zero.")
                case [_, {"Code": "ValidationError"}]:
                    raise AdjustmentRefused(f"The balance of {adjustment.account} has too many digits.")
        raise StoreUnavailable(f"{_STORE} is too busy with the balance of one account.")

    def _join(self, effect: SetPayment, rows: Rows) -> bool:
        place = effect.uuid, effect.family
        for _ in self._tries():
            row = rows.get(place) or self._read(effect)
            joined = merge(row.payment, effect.says)
            written = self._write(effect, row, joined)
            if written:
                rows[place] = written
                break
            rows.pop(place, None)
        else:
            raise StoreUnavailable(f"{_STORE} is too busy with one payment.")
        if effect.says.directions.effective in {"OUT", "UNCLEAR"} and self._entries(effect):
            raise PermanentFailure("The payment was credited before it was called a payout, or unclear.")
        status = rows[place].payment.fields.get("status")
        return status is not None and status[0] == effect.position

    def _write(self, effect: SetPayment, row: Row, joined: Payment) -> Row | None:
        """Writes a join if it says more than the item. Returns None if somebody else wrote in the meantime."""
        if joined == row.stored:
            return row
        version = row.version + 1
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if row.version:
            condition = {
                "ConditionExpression": "version = :read",
                "ExpressionAttributeValues": {":read": {"N": str(row.version)}},
            }
        with outages(_STORE):
            try:
                self._client.put_item(
                    TableName=self.table,
                    Item=items.payment_item(effect.uuid, effect.family, joined, version),
                    **condition,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        return Row(version, joined, joined)

    def _put_if_later(self, effect: SetResource) -> bool:
        with outages(_STORE):
            try:
                self._client.put_item(
                    TableName=self.table,
                    Item=items.resource_item(effect),
                    ConditionExpression="attribute_not_exists(pk) OR #position < :position",
                    ExpressionAttributeNames={"#position": "position"},
                    ExpressionAttributeValues={":position": {"S": effect.position}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as failed:
                standing: Item = failed.response["Item"]  # type: ignore[typeddict-item]  # absent there
                return text(standing, "position") == effect.position
        return True

    def _credit(self, credit: Credit, rows: Rows) -> bool:
        """Makes the credit if `decide` says so, on condition that nobody has written to the payment since it was read.

        Every credit and every change of a direction writes the payment's item, so the decision still holds.
        """
        place = credit.uuid, credit.family
        for _ in self._tries():
            row = rows.get(place) or self._read(credit)
            entries = self._entries(credit)
            verdict = decide(credit, row.payment, entries)
            if verdict is not Verdict.CREDIT:
                return verdict is Verdict.STANDS
            outcome = self._transact(
                [
                    self._absent(items.entry_item(credit)),
                    {"Update": self._added(credit.account, credit.currency, credit.amount)},
                    self._next_version(credit, row),
                    *([self._absent(items.alias_item(credit))] if credit.spellings.uuid != credit.uuid else []),
                ]
            )
            if outcome is None:
                rows[place] = Row(
                    row.version + 1, replace(row.payment, credited=True), replace(row.stored, credited=True)
                )
                return True
            if any(reason.get("Code") == "ValidationError" for reason in outcome):
                raise PermanentFailure(f"The balance of {credit.account} in {credit.currency} has too many digits.")
            rows.pop(place, None)
        raise StoreUnavailable(f"{_STORE} is too busy with one payment, or the balance of one account.")

    # --- One call each ---------------------------------------------------------------------------
    def _tries(self) -> Iterator[None]:
        for attempt in range(ATTEMPTS):
            if attempt:
                longest = min(LONGEST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (attempt - 1))
                self._sleep(longest * self._jitter())
            yield

    def _read(self, payment: SetPayment | Credit) -> Row:
        """The payment, read consistently, with the items of older versions."""
        found = [item for pk in items.payment_partitions(payment) for item in self._query(pk)]
        return items.row_of(found, payment.family)

    def _entries(self, payment: SetPayment | Credit) -> list[Entry]:
        """The entries of a payment for all its transactions, read consistently."""
        return items.entries_of(item for pk in items.credit_partitions(payment) for item in self._query(pk))

    def _query(self, pk: str) -> list[dict[str, "AttributeValueTypeDef"]]:
        with outages(_STORE):
            return all_items(
                self._client.query,
                TableName=self.table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ConsistentRead=True,
            )

    def _absent(self, item: Mapping[str, Any]) -> Any:  # noqa: ANN401
        return {
            "Put": {
                "TableName": self.table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _added(self, account: str, currency: str, amount: Decimal) -> dict[str, Any]:
        return {
            "TableName": self.table,
            "Key": items.balance_key(account, currency),
            "UpdateExpression": "ADD amount :amount",
            "ExpressionAttributeValues": {":amount": {"N": plain(amount)}},
        }

    def _next_version(self, credit: Credit, row: Row) -> Any:  # noqa: ANN401
        values: dict[str, AttributeValueTypeDef] = {":next": {"N": str(row.version + 1)}, ":yes": {"BOOL": True}}
        if row.version:
            values[":read"] = {"N": str(row.version)}
        return {
            "Update": {
                "TableName": self.table,
                "Key": items.payment_key(credit.uuid, credit.family),
                "UpdateExpression": "SET version = :next, credited = :yes",
                "ConditionExpression": "version = :read" if row.version else "attribute_not_exists(pk)",
                "ExpressionAttributeValues": values,
            }
        }

    def _transact(self, writes: list[Any]) -> list[Any] | None:
        """Writes all or nothing. Returns None if all was written, otherwise DynamoDB's reason for each write.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
        """
        with outages(_STORE):
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as cancelled:
                reasons: list[Any] = cancelled.response["CancellationReasons"]
                return reasons
        return None
