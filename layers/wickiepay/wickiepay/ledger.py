"""The ledger table: payments, resources, credits and balances. Every write can be repeated, and changes nothing then.

    payment#UUID      PART       the state of a payment
    resource#KIND#ID  -          the state of anything else
    credit#UUID       PART       one entry: an amount credited to an account
    balance#ACCOUNT   CURRENCY   the sum of an account's entries

The index `by_reference` finds payments by the merchant's reference and entries by their account.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, assert_never, cast

from wickiepay.aws import outages
from wickiepay.clock import instant
from wickiepay.decimals import plain
from wickiepay.effects import WHOLE, Credit, Effect, SetPayment, SetResource
from wickiepay.errors import PermanentFailure, StoreUnavailable
from wickiepay.money import Money

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Item = Mapping[str, AttributeValueTypeDef]

CREDIT_ATTEMPTS: Final = 5
"""Of two transactions on one balance at once one is told TransactionConflict, which botocore does not retry."""

CREDIT_BACKOFF_SECONDS: Final = 0.05
"""The longest pause before the second attempt; it doubles from one attempt to the next."""

_STORE = "The ledger table"


class Ledger:
    """`sleep` and `jitter` (a number from 0 to 1, by which a pause is cut) are there for tests to replace."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep
        self._jitter = jitter

    def apply(self, effect: Effect, at: datetime) -> bool:
        """Applies an effect, `at` being now; says False where the books hold it, or something later, already.

        Raises `StoreUnavailable`, and `PermanentFailure` for a balance that outgrows the table's numbers.
        """
        moment = effect.occurred_at or instant(at)
        match effect:
            case SetPayment():
                return self._put_if_later(_payment(effect, moment), effect.position)
            case SetResource():
                return self._put_if_later(_resource(effect, moment), effect.position)
            case Credit():
                return self._credit(effect, moment)
            case _:
                assert_never(effect)

    def _put_if_later(self, item: dict[str, "AttributeValueTypeDef"], position: str) -> bool:
        with outages(_STORE):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk) OR #position < :position",
                    ExpressionAttributeNames={"#position": "position"},
                    ExpressionAttributeValues={":position": {"S": position}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _credit(self, credit: Credit, moment: str) -> bool:
        for attempt in range(CREDIT_ATTEMPTS):
            if attempt:
                self._sleep(CREDIT_BACKOFF_SECONDS * 2 ** (attempt - 1) * self._jitter())
            with outages(_STORE):
                try:
                    self._put_entry_and_add(credit, moment)
                except self._client.exceptions.TransactionCanceledException as cancelled:
                    reasons = cancelled.response["CancellationReasons"]
                    codes = [reason.get("Code") for reason in reasons]
                    if codes[0] == "ConditionalCheckFailed":
                        _agree(credit, cast("Item", reasons[0].get("Item", {})))
                        return False
                    if "ValidationError" in codes:
                        raise PermanentFailure(
                            f"The balance of {credit.account} in {credit.currency} has too many digits."
                        ) from cancelled
                else:
                    return True
        raise StoreUnavailable(f"{_STORE} is too busy with the balance of one account.")

    def _put_entry_and_add(self, credit: Credit, moment: str) -> None:
        amount = plain(credit.amount)
        entry = _item(
            f"credit#{credit.uuid}",
            credit.part,
            reference=credit.account,
            uuid=credit.uuid,
            currency=credit.currency,
            event=credit.event,
            event_key=credit.event_key,
            at=moment,
        )
        balance = {"pk": {"S": f"balance#{credit.account}"}, "sk": {"S": credit.currency}}
        self._client.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": {**entry, "amount": {"N": amount}},
                        "ConditionExpression": "attribute_not_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "Update": {
                        "TableName": self._table,
                        "Key": balance,
                        "UpdateExpression": "ADD amount :amount",
                        "ExpressionAttributeValues": {":amount": {"N": amount}},
                    }
                },
            ]
        )


def _agree(credit: Credit, entry: "Item") -> None:
    """Raises `PermanentFailure` where a payment was credited before, but not like this: that is for a person."""
    credited = {"reference": credit.account, "currency": credit.currency}
    differs = any(entry[name]["S"] != value for name, value in credited.items() if name in entry)
    if differs or ("amount" in entry and Decimal(entry["amount"]["N"]) != credit.amount):
        raise PermanentFailure("The payment was credited before, with another account, currency or amount.")


def _payment(payment: SetPayment, moment: str) -> dict[str, "AttributeValueTypeDef"]:
    return _item(
        f"payment#{payment.uuid}",
        payment.part,
        position=payment.position,
        uuid=payment.uuid,
        type=payment.type,
        status=payment.status,
        order_status=payment.order_status,
        reference=payment.reference,
        **_money("display", payment.display),
        **_money("paid", payment.paid),
        event=payment.event,
        updated_at=moment,
    )


def _resource(resource: SetResource, moment: str) -> dict[str, "AttributeValueTypeDef"]:
    return _item(
        f"resource#{resource.kind}#{resource.id}",
        WHOLE,
        position=resource.position,
        status=resource.status,
        data=resource.data,
        event=resource.event,
        updated_at=moment,
    )


def _money(name: str, money: Money | None) -> dict[str, str]:
    return {f"{name}_amount": plain(money.amount), f"{name}_currency": money.currency} if money else {}


def _item(pk: str, sk: str, **attributes: str | None) -> dict[str, "AttributeValueTypeDef"]:
    texts = {name: value for name, value in attributes.items() if value is not None}
    return {name: {"S": value} for name, value in {"pk": pk, "sk": sk, **texts}.items()}
