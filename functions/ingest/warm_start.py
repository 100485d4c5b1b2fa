"""What a new container does before its first delivery, so that the sender does not wait for it.

Connecting over TLS and reading the secret took most of a cold first delivery: at 512 MB, a function has 0.29 of a CPU,
and each of the three stores is a round trip or two away. Here all three are done at the same time.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from wickiepay import sdk
from wickiepay.errors import SecretUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from wickiepay.signing_secrets import SigningSecrets


def prepare(environment: Mapping[str, str], secrets: "SigningSecrets", connected: Sequence["BaseClient"]) -> None:
    """Reads the secret and connects the clients, at the time that suits the kind of start.

    With `on-demand`, a delivery is waiting already. A container from a snapshot must not keep a secret or a connection
    in it, so it reads and connects once it is restored. Provisioned concurrency starts long before a delivery comes: by
    then the connections would be closed. (AWS: Configuring reserved environment variables, Lambda SnapStart hooks.)
    """
    kind = environment.get("AWS_LAMBDA_INITIALIZATION_TYPE")
    if kind in {"on-demand", "snap-start"}:
        for client in connected:
            sdk.read_trust(client)  # before the threads: each would read all of it
    if kind == "on-demand":
        _at_once(secrets, connected)
    elif kind == "snap-start":
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415  Lambda's runtime alone has it

        register_after_restore(partial(_at_once, secrets, connected))


def _at_once(secrets: "SigningSecrets", connected: Sequence["BaseClient"]) -> None:
    """Does it all in threads and waits for them. What fails here is tried again for the first delivery."""
    with ThreadPoolExecutor() as threads:
        threads.submit(_read, secrets)
        connecting = [threads.submit(sdk.connect, client) for client in connected]
    for connection in connecting:
        if not connection.exception():
            connection.result()()


def _read(secrets: "SigningSecrets") -> None:
    with suppress(SecretUnavailable):
        secrets.get()
