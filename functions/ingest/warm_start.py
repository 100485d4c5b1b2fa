"""What a new container does before its first delivery, so that the sender does not wait for it.

Connecting over TLS and reading the secret took most of a cold first delivery: at 512 MB, a function has 0.29 of a CPU,
and each of the three stores is a round trip or two away. Here all three are done at the same time, while the rest of
the function is imported. The calls of a delivery are rehearsed meanwhile: the first of a kind takes more CPU time.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from wickiepay import clients, sdk
from wickiepay.signing_secrets import SigningSecrets

if TYPE_CHECKING:
    from botocore.client import BaseClient


class WarmStart:
    """Prepares a container in the way that suits the kind of start. What fails here is tried again for a delivery.

    With `on-demand`, a delivery is waiting already. A container from a snapshot must not keep a secret or a connection
    in it, so it reads and connects once it is restored. Provisioned concurrency starts long before a delivery comes: by
    then the connections would be closed. Where Lambda names no kind, as in an emulator, nothing is done.
    (AWS: Configuring reserved environment variables, Lambda SnapStart hooks.)
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Begins to read the secret, if it is read before a delivery."""
        client = clients.secretsmanager()
        self.secrets = SigningSecrets(client, environment["SIGNING_SECRET_ARN"], time.time)
        self._kind = environment.get("AWS_LAMBDA_INITIALIZATION_TYPE")
        self._threads = ThreadPoolExecutor()
        if self._kind:
            sdk.read_trust(client)  # before the threads: each would read all of it
        if self._kind == "on-demand":
            self._threads.submit(self.secrets.get)

    def finish(self, connected: Sequence["BaseClient"], rehearsals: Iterable[Callable[[], None]]) -> None:
        """Connects the clients, rehearses their calls, and waits until all is done."""
        if self._kind == "on-demand":
            self._connect(connected, rehearsals)
        elif self._kind:
            _rehearse(rehearsals)
        if self._kind == "snap-start":
            from snapshot_restore_py import register_after_restore  # noqa: PLC0415  Lambda's runtime alone has it

            register_after_restore(partial(self._after_restore, connected))

    def _after_restore(self, connected: Sequence["BaseClient"]) -> None:
        self._threads.submit(self.secrets.get)
        self._connect(connected)

    def _connect(self, connected: Sequence["BaseClient"], rehearsals: Iterable[Callable[[], None]] = ()) -> None:
        connecting = [self._threads.submit(sdk.connect, client) for client in connected]
        _rehearse(rehearsals)
        self._threads.shutdown()
        for connection in connecting:
            if not connection.exception():
                connection.result()()


def _rehearse(rehearsals: Iterable[Callable[[], None]]) -> None:
    for rehearsal in rehearsals:
        with suppress(Exception):
            rehearsal()
