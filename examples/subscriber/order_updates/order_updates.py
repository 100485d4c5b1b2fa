"""Brings an order's row up to date once for each announcement of the listener, and mails the customer once it is paid.

An announcement only says that something happened. The order's status is read from the books, because several payments
may pay one order, and announcements arrive in any order, late, and more than once.
"""

import os
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from announcement import Announcement, announced
from wickiepay_books import Books

ATTEMPTS: Final = 5
"""How often an order is read again if somebody else wrote it meanwhile. After that, the queue tries again."""

MARGIN_DAYS: Final = 7
"""The listener keeps an event for its retention from when the event is done, which is later than the announcement."""

logger = Logger()
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
books = Books.of_table(boto3.client("dynamodb"), os.environ["LEDGER_TABLE_NAME"])
orders = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE_NAME"])
mails = boto3.client("sesv2")
mail_from = os.environ["MAIL_FROM"]

done = DynamoDBPersistenceLayer(os.environ["IDEMPOTENCY_TABLE_NAME"])
once = IdempotencyConfig(
    event_key_jmespath="[uuid, event_key]",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=(int(os.environ["EVENT_RETENTION_DAYS"]) + MARGIN_DAYS) * 24 * 60 * 60,
)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    once.register_lambda_context(context)  # a try that was killed blocks the next no longer than it could have run
    return process_partial_response(event=event, record_handler=process, processor=processor, context=context)


def process(record: SQSRecord) -> None:
    try:
        act(announcement=announced(record.body))
    except Exception:
        logger.exception("Not handled, so the queue gives it again", message_id=record.message_id)
        raise


@idempotent_function(data_keyword_argument="announcement", persistence_store=done, config=once)  # type: ignore[untyped-decorator]
def act(announcement: Announcement) -> None:
    """Updates the order that the payment of an announcement pays. Raises, to be tried again, if anything fails."""
    payment = books.payment(announcement.uuid, consistent=True)
    if payment is None or payment.reference is None:
        logger.info("No order is concerned", event_type=announcement.event, uuid=announcement.uuid)
        return
    by = f"{announcement.uuid} {announcement.event_key}"
    row = updated(payment.reference, payment.uuid, by)
    if row.get("status") == "PAID" and row.get("changed_by") == by:  # who made it paid owes the mail
        tell_customer(row)


def updated(order: str, payment: str, by: str) -> dict[str, Any]:
    """The order's row, after it was given the status that the books have, if it had another.

    The row is read before the books, and written on condition that nobody wrote it since. So whatever is written is
    newer than what it replaces, and a late announcement changes nothing.
    """
    for _ in range(ATTEMPTS):
        row: dict[str, Any] = orders.get_item(Key={"order": order}, ConsistentRead=True).get("Item", {})
        found = books.order(order, also={payment, *row.get("payments", ())}, consistent=True)
        if found.status is None or found.status == row.get("status"):
            return row
        try:
            return orders.update_item(
                Key={"order": order},
                UpdateExpression="SET #status = :status, payments = :payments, changed_by = :by ADD changes :one",
                ConditionExpression="changes = :seen" if "changes" in row else "attribute_not_exists(changes)",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":status": found.status,
                    ":payments": {each.uuid for each in found.payments},
                    ":by": by,
                    ":one": 1,
                    **({":seen": row["changes"]} if "changes" in row else {}),
                },
                ReturnValues="ALL_NEW",
            )["Attributes"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
    raise RuntimeError(f"The order {order} is being changed by others.")


def tell_customer(row: dict[str, Any]) -> None:
    """Mails whom the row names. At least once: if the function ends before it has noted that, it mails again."""
    if not mail_from or "mail" not in row:
        return
    mails.send_email(
        FromEmailAddress=mail_from,
        Destination={"ToAddresses": [row["mail"]]},
        Content={
            "Simple": {
                "Subject": {"Data": f"We have received your payment for {row['order']}"},
                "Body": {"Text": {"Data": f"Thank you. Your order {row['order']} is paid."}},
            }
        },
    )
