"""AWS without a network: botocore's real requests, answered in this process.

DynamoDB is the emulator's own code. The queue and the bus only remember what they were given: what comes of it, and
when, is for a test to decide.
"""

import json
from collections.abc import Callable
from typing import Any, Final, cast

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from ministack.services import dynamodb

from tests.support.actors import Actor
from tests.support.faults import Raw
from wickiepay_cli.stacks.emulator_access import REGION, Access

type Answer = Callable[[AWSPreparedRequest], AWSResponse]

NOWHERE: Final = Access("http://127.0.0.1:1", "local", "local")


def client(service: str, answer: Answer | None, aws: Access = NOWHERE) -> Any:  # noqa: ANN401
    """A client whose requests `answer` answers; without one they go to `aws`. One try for each call."""
    made: Any = botocore.session.get_session().create_client(
        service,
        region_name=REGION,
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )
    send: Answer = answer or made._endpoint.http_session.send
    made.meta.events.register(
        "before-send", lambda request, **_: Actor.call(_operation(request), request, lambda: send(request))
    )
    return made


def emulated_dynamodb(request: AWSPreparedRequest) -> AWSResponse:
    """The emulator's answer. Its tables are this process's."""
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    answering = dynamodb.handle_request(request.method, "/", headers, request.body, {})
    try:
        answering.send(None)
    except StopIteration as answered:
        status, answer_headers, body = answered.value
        return AWSResponse(request.url, status, answer_headers, Raw(body))
    raise AssertionError("the emulator waits for something")


class Heard:
    """A queue or a bus that only remembers: the messages' bodies, or the details of what was announced."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def answer(self, request: AWSPreparedRequest) -> AWSResponse:
        content = json.loads(cast("str | bytes", request.body))
        match _operation(request):
            case "SendMessage":
                self.texts.append(content["MessageBody"])
                return _json(request, {"MessageId": "message"})
            case "SendMessageBatch":
                self.texts += [entry["MessageBody"] for entry in content["Entries"]]
                sent = [{"Id": entry["Id"], "MessageId": "message"} for entry in content["Entries"]]
                return _json(request, {"Successful": sent})
            case "ChangeMessageVisibility":
                return _json(request, {})
            case "PutEvents":
                self.texts += [entry["Detail"] for entry in content["Entries"]]
                return _json(request, {"Entries": [{"EventId": "event"}] * len(content["Entries"])})
            case other:
                raise AssertionError(other)


def _json(request: AWSPreparedRequest, content: object) -> AWSResponse:
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/x-amz-json-1.0"
    return AWSResponse(request.url, 200, headers, Raw(json.dumps(content).encode()))


def _operation(request: AWSPreparedRequest) -> str:
    return _text(request.headers["X-Amz-Target"]).rpartition(".")[2]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
