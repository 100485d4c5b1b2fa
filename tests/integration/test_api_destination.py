"""examples/api-destination on the local stack: a delivery reaches the endpoint of its page, which acts once.

The emulator's CloudFormation has no connections and destinations: the test makes them by the API, as the template says.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from samtranslator.yaml_helper import yaml_parse
from werkzeug.serving import make_server

from wickiepay.signature import sign
from wickiepay_cli.project import PROJECT
from wickiepay_cli.sending.client import connection, deliver
from wickiepay_cli.stacks.local_stack import LocalStack

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

pytestmark = pytest.mark.many_stacks

FOLDER: Final = PROJECT / "examples/api-destination"
RESOURCES: Final = {
    name: each["Properties"] for name, each in yaml_parse((FOLDER / "template.yaml").read_text())["Resources"].items()
}
KEY: Final = "a-key-of-the-test"
PATIENCE_SECONDS: Final = 30


class Endpoint:
    """The application of the page. Notes what it acted on, and the status of every answer."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEY", KEY)
        monkeypatch.setenv("SHOP", str(folder / "shop.db"))
        self.acted: list[tuple[str, str]] = []
        self.answers: list[int] = []
        page = (FOLDER / "README.md").read_text()
        [code] = re.findall(r'^```python title="endpoint.py"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL)
        self.names: dict[str, Any] = {"__name__": "endpoint", "print": lambda *what: self.acted.append(what)}
        exec(compile(code, "endpoint.py", "exec"), self.names)  # noqa: S102  our own page
        self.names["app"].after_request(self._noted)

    def _noted(self, response: Any) -> Any:  # noqa: ANN401  Flask's
        self.answers.append(response.status_code)
        return response

    def answered(self, times: int) -> list[int]:
        """The statuses of all answers so far, once there are so many."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.answers) < times and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.answers


@pytest.fixture
def endpoint(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path, monkeypatch)
    server = make_server("127.0.0.1", 0, endpoint.names["app"], threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    events: EventBridgeClient = stack.client("events")
    bus, rule, target = stack.outputs["EventBusName"], RESOURCES["Rule"], dict(RESOURCES["Rule"]["Targets"][0])
    api_key = RESOURCES["Connection"]["AuthParameters"]["ApiKeyAuthParameters"] | {"ApiKeyValue": KEY}
    authorised = events.create_connection(
        Name="shop",
        AuthorizationType=RESOURCES["Connection"]["AuthorizationType"],
        AuthParameters={"ApiKeyAuthParameters": api_key},
    )
    destination = events.create_api_destination(
        Name="shop",
        ConnectionArn=authorised["ConnectionArn"],
        InvocationEndpoint=f"http://127.0.0.1:{server.port}/wickiepay",
        HttpMethod=RESOURCES["Endpoint"]["HttpMethod"],
    )
    events.put_rule(Name="shop", EventBusName=bus, EventPattern=json.dumps(rule["EventPattern"]))
    of_emulator = {"Arn": destination["ApiDestinationArn"], "RoleArn": "arn:aws:iam::000000000000:role/events"}
    kept: Any = {name: target[name] for name in ("Id", "InputPath", "RetryPolicy")}
    events.put_targets(Rule="shop", EventBusName=bus, Targets=[kept | of_emulator])

    yield endpoint

    events.remove_targets(Rule="shop", EventBusName=bus, Ids=[target["Id"]])
    events.delete_rule(Name="shop", EventBusName=bus)
    events.delete_api_destination(Name="shop")
    events.delete_connection(Name="shop")
    server.shutdown()
    serving.join()
    server.server_close()


def deliver_payment(stack: LocalStack, secret: str, uuid: str, event: str = "payment.completed") -> None:
    body = json.dumps({"event": event, "timestamp": "2026-01-15T10:25:00Z", "data": {"uuid": uuid}}).encode()
    with connection(stack.webhook_url) as http:
        assert deliver(http, stack.webhook_url, body, sign(body, secret.encode())).accepted


def test_a_delivery_reaches_the_endpoint_once_however_often_it_is_announced(
    stack: LocalStack, signing_secret: str, endpoint: Endpoint
) -> None:
    uuid = str(uuid4())
    deliver_payment(stack, signing_secret, str(uuid4()), "deposit.status_change")  # of no payment
    deliver_payment(stack, signing_secret, uuid)
    assert endpoint.answered(1) == [204]

    again = {"version": "1", "uuid": uuid, "event_key": "payment.completed", "event": "payment.completed"}
    announce(stack, again)
    assert endpoint.answered(2) == [204, 204]
    assert endpoint.acted == [("payment.completed", uuid)]


@pytest.mark.parametrize(
    ("key", "version", "status"), [("another-key", "1", 401), (KEY, "2", 500)], ids=["another key", "another version"]
)
def test_what_the_endpoint_does_not_accept_it_does_not_act_on(
    key: str, version: str, status: int, stack: LocalStack, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", key)
    announce(stack, {"version": version, "uuid": "p-1", "event_key": "payment.completed", "event": "payment.completed"})
    assert (endpoint.answered(1), endpoint.acted) == ([status], [])


def announce(stack: LocalStack, detail: dict[str, str]) -> None:
    events: EventBridgeClient = stack.client("events")
    entry: Any = {"Source": "wickiepay", "DetailType": detail["event"], "Detail": json.dumps(detail)}
    events.put_events(Entries=[entry | {"EventBusName": stack.outputs["EventBusName"]}])
