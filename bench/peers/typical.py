"""The same job as Powertools' own documentation would have it: resolver, idempotency, tracer, parameters, boto3.

It does somewhat less than ours: of the body it keeps what stands in the queue's message, and one scheme is verified.
"""

import hashlib
import hmac
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import UnauthorizedError
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
tracer = Tracer()
app = APIGatewayHttpResolver()
queue: Any = boto3.resource("sqs").Queue(os.environ["EVENT_QUEUE_URL"])
persistence = DynamoDBPersistenceLayer(table_name=os.environ["EVENT_TABLE"])
config = IdempotencyConfig(event_key_jmespath="[event, data.uuid]", expires_after_seconds=30 * 24 * 60 * 60)


@tracer.capture_method
def verify(body: str, signature: str) -> None:
    secret = str(parameters.get_secret(os.environ["SIGNING_SECRET_ARN"], max_age=300))
    expected = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        logger.warning("wrong signature")
        raise UnauthorizedError("Invalid signature")


@idempotent_function(data_keyword_argument="envelope", config=config, persistence_store=persistence)  # type: ignore[untyped-decorator]  # as Powertools has it
def take(envelope: dict[str, Any], body: str) -> dict[str, str]:
    queue.send_message(MessageBody=body)
    logger.info("delivery accepted", extra={"uuid": envelope["data"]["uuid"], "event": envelope["event"]})
    return {"status": "accepted", "uuid": envelope["data"]["uuid"]}


@app.post("/webhooks/wickiepay")
@tracer.capture_method
def webhook() -> dict[str, str]:
    metrics.add_metric("Delivery", MetricUnit.Count, 1)
    body = app.current_event.decoded_body or ""
    verify(body, app.current_event.headers.get("x-webhook-signature", ""))
    taken: dict[str, str] = take(envelope=app.current_event.json_body, body=body)
    return taken


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    config.register_lambda_context(context)
    return app.resolve(event, context)
