"""Makes botocore's clients with as little work as possible, because that work is most of a cold start.

Each measure below states how much it saves until ingest's first answer, which takes 760 million instructions (without
TLS). botocore is imported when the first client is made, so importing this module has no side effects.
"""

import gc
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.session import Session

SERVICE_IDS: Final = frozenset({"codedeploy", "dynamodb", "eventbridge", "lambda", "secrets-manager", "sqs"})
"""The services that the functions call, as botocore's events name them."""


def client(service: str, **settings: Any) -> Any:  # noqa: ANN401  typed by its callers
    """A client of `service`. The `settings` are those of botocore's `Config`."""
    with _uncollected():
        from botocore import httpsession  # noqa: PLC0415  see above
        from botocore.config import Config  # noqa: PLC0415

        context = _trust()
        with _replaced(httpsession, "create_urllib3_context", lambda: context):
            return the_session().create_client(service, config=Config(**settings))


def connect(client: "BaseClient") -> Callable[[], None]:
    """Opens a connection to the service of `client`, for its next call. Sends nothing. Raises what urllib3 raises.

    To be used, the connection must be handed over by a call of what is returned, some milliseconds later: in TLS 1.3 a
    server sends session tickets after the handshake, and urllib3 takes data that nobody asked for as the end of the
    connection. So they are read first.
    """
    pool = _pool(client)
    connection = pool._get_conn()
    connection.connect()

    def hand_over() -> None:
        connection.sock.settimeout(0)  # urllib3 sets another one for each request
        with suppress(OSError):  # there is no more to read
            connection.sock.recv(1)
        pool._put_conn(connection)

    return hand_over


def read_trust(client: "BaseClient") -> None:
    """Reads the certificate authorities that the connections of `client` will be checked with."""
    if cafile := _pool(client).ca_certs:
        _trust().load_verify_locations(cafile, None, None)  # as urllib3 does it


@contextmanager
def rehearsal(client: "BaseClient") -> Iterator[None]:
    """Within, calls of `client` go as far as to be sent, and are all answered by `{}`. The next ones then take less.

    They are signed with nobody's credentials, so AWS would refuse them.
    """
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415  see above
    from botocore.compat import HTTPHeaders  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415
    from urllib3 import HTTPResponse  # noqa: PLC0415

    def answer(request: Any) -> Any:  # noqa: ANN401  botocore's
        return AWSResponse(request.url, 200, HTTPHeaders(), HTTPResponse(BytesIO(b"{}"), preload_content=False))

    of_client: Any = client
    nobody = Credentials("AKIDREHEARSAL", "rehearsal", "rehearsal")
    with _replaced(of_client._request_signer, "_credentials", nobody), _replaced(of_client._endpoint, "_send", answer):
        yield


def _pool(client: Any) -> Any:  # noqa: ANN401  private parts of botocore and urllib3, held by tests/unit/test_sdk.py
    """The connections that botocore will use for calls of `client`, ready for TLS."""
    http: Any = client._endpoint.http_session
    url = client.meta.endpoint_url
    pool = http._get_connection_manager(url).connection_from_url(url)
    http._setup_ssl_cert(pool, url, http._verify)
    return pool


@cache
def the_session() -> "Session":
    """The session that makes all clients, with only the botocore handlers that a function can need.

    Most of botocore's handlers are about other services. Leaving them out saves 57 million instructions.
    """
    from botocore import handlers, session  # noqa: PLC0415

    made = session.Session(include_builtin_handlers=False)
    emitter = made.get_component("event_emitter")
    ways = {handlers.REGISTER_FIRST: emitter.register_first, handlers.REGISTER_LAST: emitter.register_last}
    for event, handler, *way in handlers.BUILTIN_HANDLERS:
        if concerns_us(event):
            register = ways[way[0]] if way else emitter.register
            register(event, handler)
    return made


def concerns_us(event: str) -> bool:
    """Whether one of botocore's handlers for `event` can ever be called here."""
    what, _, about = event.partition(".")
    return what != "docs" and about.partition(".")[0] in {"", "*", *SERVICE_IDS}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps the garbage collector away from the objects that are made within, now and later: all of them stay.

    This saves 16 million instructions, and later collections need not look at 48,000 objects.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


class _ReadOnce(ssl.SSLContext):
    """Reads certificate authorities once, not once per connection: 34 to 43 ms of CPU time less for each of ten."""

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:  # noqa: ANN401  ssl's
        read: set[Any] = self.__dict__.setdefault("_read", set())
        if (cafile, capath, cadata) not in read:
            super().load_verify_locations(cafile, capath, cadata)
            read.add((cafile, capath, cadata))


@cache
def _trust() -> ssl.SSLContext:
    """The TLS context that botocore makes. It is the same for each client, so all clients share one."""
    from botocore import httpsession  # noqa: PLC0415  see above

    with _replaced(httpsession, "SSLContext", _ReadOnce):
        context: ssl.SSLContext = httpsession.create_urllib3_context()
    return context


@contextmanager
def _replaced(holder: object, name: str, other: object) -> Iterator[None]:
    before = getattr(holder, name)
    setattr(holder, name, other)
    try:
        yield
    finally:
        setattr(holder, name, before)
