"""CodeDeploy's pre-traffic hook: probes the new versions, then reports whether traffic may shift to them.

Each version works on a probe: an event that is signed like any other, but has no handler. It ends IGNORED, expires,
and never touches the books. A probe that ingest accepts goes on through the queue to the live consumer.

https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
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
"""The source address of a probe, unless only certain addresses may deliver."""

type Verdict = Literal["Succeeded", "Failed"]

logger = Logger()


class ProbeFailed(Exception):
    """A version did not behave as it must. The text names the version and what it did, without any content."""


@dataclass(frozen=True, slots=True)
class PreTraffic:
    """Probes the versions `ingest`, `consumer` and `relay`, which are given by their ARNs.

    `scheme` is one that ingest accepts, `source` an address that may deliver; `new_uuid` returns one for a new probe.
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
        """Probes all three versions, and reports the verdict to CodeDeploy for this `execution` of its hook.

        Any error makes the verdict "Failed". Raises botocore's errors only if CodeDeploy cannot be told.
        """
        verdict: Verdict = "Succeeded"
        try:
            self._probe_ingest()
            self._probe_consumer()
            self._probe_relay()
        except Exception as error:  # any error, because CodeDeploy waits for an hour if it is told nothing
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
        """Expects a signed delivery to be accepted, and the same delivery with a wrong signature to be refused."""
        probe = self._probe()
        for secret, expected in (
            (self.secrets.get()[0], (200, "accepted")),
            (FORGER, (401, "signature_mismatch")),
        ):
            signature = sign(probe.body, secret, self.scheme)
            request = http_request(probe.body, signature, sourceIp=probe.source, request_id=probe.request_id)
            answer = self._invoke(self.ingest, request)
            content = json.loads(answer["body"])
            answered = answer["statusCode"], content.get("status") or content.get("error")
            if answered != expected:
                raise ProbeFailed(f"{self.ingest} answered {answered}, not {expected}.")

    def _probe_consumer(self) -> None:
        """Expects a message, which is in no queue, to be finished. Its event is unrecorded, and so recorded first."""
        probe = self._probe()
        identity = probe.event().identity
        text = encode(Message(identity, probe, unrecorded=True))
        batch = sqs_batch([sqs_message(text, datetime.fromisoformat(probe.received_at), identity.uuid)])
        if self._invoke(self.consumer, batch) != {"batchItemFailures": []}:
            raise ProbeFailed(f"{self.consumer} did not finish its message.")

    def _probe_relay(self) -> None:
        """Expects a run to end. It sends what is unsent, as it does every minute."""
        if "sent" not in self._invoke(self.relay, {}):
            raise ProbeFailed(f"{self.relay} did not say how many events it sent.")

    def _probe(self) -> Delivery:
        """A delivery of a new event."""
        received_at = clock.instant(self.now())
        event = {"event": PROBE, "timestamp": received_at, "data": {"uuid": self.new_uuid()}}
        return Delivery(
            body=json.dumps(event, separators=(",", ":")).encode(),
            scheme=self.scheme,
            received_at=received_at,
            source=self.source,
            request_id="pre-traffic",
        )

    def _invoke(self, version: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
        """A version's answer to `event`. Raises `ProbeFailed` if it fails, and botocore's errors without an answer."""
        answer = self.functions.invoke(FunctionName=version, Payload=json.dumps(event).encode())
        content = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            # The error message stays in the function's own log: a faulty version may quote anything in it.
            request = answer["ResponseMetadata"]["RequestId"]
            raise ProbeFailed(f"{version} failed: {content.get('errorType', 'no type of error')}, request {request}.")
        return content


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
    """Judges the versions for a deployment by CodeDeploy."""
    return {"status": pre_traffic.judge(event["DeploymentId"], event["LifecycleEventHookExecutionId"])}
