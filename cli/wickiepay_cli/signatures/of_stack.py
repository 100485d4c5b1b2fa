"""What a stack verifies signatures with, and the bodies that it knows."""

import time
from collections.abc import Iterator, Sequence

from wickiepay.signature import SCHEMES
from wickiepay.signing_secrets import SigningSecrets
from wickiepay_cli.signatures import known_bodies
from wickiepay_cli.signatures.others import Known
from wickiepay_cli.signatures.verdict import Received, Verdict, diagnose
from wickiepay_cli.stacks.stack import Stack


def secrets_of(stack: Stack) -> Sequence[bytes]:
    """The secrets that the stack takes at present, the current one first: exactly what its functions read."""
    secrets = SigningSecrets(stack.client("secretsmanager"), stack.output("SigningSecretArn"), time.time)
    secrets.refetch()
    if secrets.failure:
        raise secrets.failure
    return secrets.get()


def schemes_of(stack: Stack | None) -> Sequence[str]:
    """The schemes that the stack accepts, or all of them if it does not say or there is no stack."""
    said = stack.parameters.get("AcceptedSchemes") if stack else None
    return said.split(",") if said else tuple(SCHEMES)


def known_to(stack: Stack | None) -> Iterator[Known]:
    """The bodies that a signature may belong to: the samples and, with a stack, what it has on record."""
    yield from known_bodies.of_samples()
    if stack is not None:
        yield from known_bodies.on_record(stack)


def diagnosed(stack: Stack, received: Received) -> Verdict:
    """The stack's own verdict on a signature, and if that is not valid, why."""
    return diagnose(received, secrets_of(stack), known_to(stack), schemes_of(stack))
