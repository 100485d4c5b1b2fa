"""Serves the simulated provider on 127.0.0.1."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from wickiepay import clock
from wickiepay_cli.errors import CommandError
from wickiepay_cli.local.proxy import reserved
from wickiepay_cli.local.serving import configured, in_a_thread
from wickiepay_cli.simulator.provider import Provider

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from hypercorn.typing import ASGIFramework

DEFAULT_ALGORITHM: Final = "rsa-v1_5-sha256"


@contextmanager
def serving(
    provider: Provider,
    keys: Mapping[str, "RSAPublicKey"],
    port: int = 0,
    algorithm: str = DEFAULT_ALGORITHM,
    now: Callable[[], datetime] = clock.now,
) -> Iterator[str]:
    """Serves the provider's API in a thread until the block ends. Gives its base URL. Port 0: any free one.

    Raises `CommandError` where its packages are not installed.
    """
    try:  # most commands need no server
        from hypercorn.asyncio import serve  # noqa: PLC0415

        from wickiepay_cli.simulator.api import application  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise CommandError(f"The simulator needs {error.name}: install wickiepay-webhook-listener[local].") from error
    with reserved(port) as door:
        config = configured(door)
        config.graceful_timeout = 1
        config.include_date_header = True  # by it a client tells how far the clocks are apart
        base_url = f"http://127.0.0.1:{door.getsockname()[1]}"

        async def stay_open(leave: asyncio.Event) -> None:
            api = cast("ASGIFramework", application(provider, keys, algorithm, now))
            await serve(api, config, shutdown_trigger=leave.wait)

        with in_a_thread(door, "provider", stay_open):
            yield base_url
