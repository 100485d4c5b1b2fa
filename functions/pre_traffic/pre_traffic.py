"""CodeDeploy's pre-traffic hook: has the versions that are about to take traffic prove themselves, then lets it go on.

Each version is asked to do its work on a probe, an event that is signed like any other and that nothing handles: it
ends IGNORED, expires, and never touches the books. What ingest accepts goes on through the queue to the live consumer.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from aws_lambda_powertools import Logger

from wickiepay import clients, clock
from wickiepay.delivery import Delivery
from wickiepay.identity import Identity
from wickiepay.lambda_events import http_request, sqs_batch, sqs_message
from wickiepay.queue import Message, encode
from wickiepay.signature import sign
from wickiepay.signing_secrets import SigningSecrets

if TYPE_CHECKING:
    from types_boto3_codedeploy import CodeDeployClient
    from types_boto3_lambda import LambdaClient

PROBE: Final = "listener.probe"
"""The event type of a probe. No handler may be registered for it."""

FORGER: Final = b"not the signing secret"

THIS_MACHINE: Final = "127.0.0.1"
"""Where a probe says that it comes from, unless only certain addresses may deliver."""

type Verdict = Literal["Succeeded", "Failed"]

logger = Logger()


class ProbeFailed(Exception):
    """A version did not do what it has to. The text names the version and says what it did; it quotes no content."""


@dataclass(frozen=True, slots=True)
class PreTraffic:
    """Probes the versions `ingest`, `consumer` and `relay`, which are named by their ARNs.

    `scheme` is one that ingest accepts, `source` an address that may deliver. `new_uuid` names a probe, so that it is
    an event that was never seen before.
    """

    functions: "LambdaClient"
    deployments: "CodeDeployClient"
    secrets: SigningSecrets
    ingest: str
    consumer: str
    relay: str
    scheme: str
    source: str
    now: Callable[[], datetime]
    new_uuid: Callable[[], str]

    def judge(self, deployment: str, execution: str) -> Verdict:
        """Probes all three versions, and tells CodeDeploy of the `execution` of its hook how that went.

        Whatever goes wrong is a "Failed"; raises only where CodeDeploy cannot be told, botocore's errors.
        """
        verdict: Verdict = "Succeeded"
        try:
            self._probe_ingest()
            self._probe_consumer()
            self._probe_relay()
        except Exception as error:  # whatever it is: without a word CodeDeploy waits for an hour
            verdict = "Failed"
            reason = f"{error} {error.__cause__ or ''}".strip()
            logger.exception("versions refused", extra={"deployment": deployment, "reason": reason})
        else:
            logger.info("versions proven", extra={"deployment": deployment})
        self.deployments.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=execution, status=verdict
        )
        return verdict

    def _probe_ingest(self) -> None:
        """Wants a delivery accepted, and the very same refused where somebody else has signed it."""
        probe = self._probe()
        for secret, expected in (
            (self.secrets.get()[0], (200, "accepted")),
            (FORGER, (401, "signature_mismatch")),
        ):
            answer = self._invoke(self.ingest, _request(probe, sign(probe.body, secret, self.scheme)))
            content = json.loads(answer["body"])
            answered = answer["statusCode"], content.get("status") or content.get("error")
            if answered != expected:
                raise ProbeFailed(f"{self.ingest} answered {answered}, not {expected}.")

    def _probe_consumer(self) -> None:
        """Wants a message finished, and, as it says that it is unrecorded, its event recorded first."""
        probe = self._probe()
        event = probe.event()
        message = Message(Identity(event.identity.uuid, event.identity.event_key), probe, unrecorded=True)
        if self._invoke(self.consumer, _batch(message)) != {"batchItemFailures": []}:
            raise ProbeFailed(f"{self.consumer} did not finish its message.")

    def _probe_relay(self) -> None:
        """Wants a run that ends; it sends what there is to send, as it does each minute."""
        if "sent" not in self._invoke(self.relay, {}):
            raise ProbeFailed(f"{self.relay} did not say how many events it sent.")

    def _probe(self) -> Delivery:
        """A delivery of an event that never was before."""
        received_at = clock.instant(self.now())
        event = {"event": PROBE, "timestamp": received_at, "data": {"uuid": self.new_uuid()}}
        return Delivery(
            body=json.dumps(event, separators=(",", ":")).encode(),
            scheme=self.scheme,
            received_at=received_at,
            source=self.source,
            request_id="pre-traffic",
        )

    def _invoke(self, version: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401  whatever it answers
        """What a version answers to `event`. Raises `ProbeFailed` where it fails, botocore's own where none comes."""
        answer = self.functions.invoke(FunctionName=version, Payload=json.dumps(event).encode())
        content = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            # Its message stays in the function's own log: who knows what a faulty version quotes there.
            request = answer["ResponseMetadata"]["RequestId"]
            raise ProbeFailed(f"{version} failed: {content.get('errorType', 'no type of error')}, request {request}.")
        return content


def _request(probe: Delivery, signature: str) -> dict[str, Any]:
    """What API Gateway hands to ingest for the delivery of `probe`."""
    return http_request(probe.body, signature, sourceIp=probe.source, request_id=probe.request_id)


def _batch(message: Message) -> dict[str, Any]:
    """What Lambda hands to the consumer for `message`, which is in no queue: it does not come again."""
    return sqs_batch(
        [sqs_message(encode(message), datetime.fromisoformat(message.delivery.received_at), message.identity.uuid)]
    )


def from_environment(environment: Mapping[str, str]) -> PreTraffic:
    """Wires a `PreTraffic` to the versions and the secret that the template's environment variables name."""
    first_allowed = environment["SOURCE_ALLOW_LIST"].partition(",")[0]
    return PreTraffic(
        functions=clients.functions(),
        deployments=clients.codedeploy(),
        secrets=SigningSecrets(clients.secretsmanager(), environment["SIGNING_SECRET_ARN"], time.time),
        ingest=environment["INGEST_VERSION"],
        consumer=environment["CONSUMER_VERSION"],
        relay=environment["RELAY_VERSION"],
        scheme=environment["ACCEPTED_SCHEMES"].partition(",")[0],
        source=first_allowed.partition("/")[0] or THIS_MACHINE,
        now=clock.now,
        new_uuid=lambda: str(uuid4()),
    )


pre_traffic = from_environment(os.environ)


def lambda_handler(event: Mapping[str, str], context: object) -> dict[str, str]:  # noqa: ARG001  Lambda passes both
    """Judges the versions for a deployment of CodeDeploy's."""
    return {"status": pre_traffic.judge(event["DeploymentId"], event["LifecycleEventHookExecutionId"])}
