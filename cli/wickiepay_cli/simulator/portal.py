"""The simulated provider's portal, where a merchant registers: what provider and stack have to know of each other."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wickiepay_cli.errors import CommandError
from wickiepay_cli.simulator.provider import DELIVERED, MERCHANT_ID, Provider
from wickiepay_cli.simulator.server import DEFAULT_ALGORITHM, serving

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PORT: Final = 4100
CLIENT_ID: Final = "simulated"
RATE: Final = 0.5
LOST: Final = 0.02
"""Well below the 5 % at which the brake holds, since nothing would be asked for then."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A simulated provider, and where its API is."""

    provider: Provider
    base_url: str
    keys: "dict[str, RSAPublicKey]" = field(repr=False)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of a stack that asks this provider."""
        return {
            "ProviderBaseUrl": self.base_url,
            "ProviderClientId": CLIENT_ID,
            "ProviderMerchantId": MERCHANT_ID,
        }

    def meet(self, webhook_url: str, signing_secret: bytes, public_key: str) -> None:
        """Registers a merchant's key, and where its events go, as the portal does. Raises `CommandError`."""
        self.keys[CLIENT_ID] = key_in(public_key.encode())
        self.provider.register(webhook_url, ["*"], "The stack on this machine", signing_secret)

    def summary(self) -> str:
        """What happened so far, in a line."""
        events = list(self.provider.events.values())
        delivered = sum(event.status == DELIVERED for event in events) - len(self.provider.lost)
        return f"{len(events)} events happened, {delivered} were delivered, {len(self.provider.lost)} lost on purpose."


@contextmanager
def beside_a_stack(
    port: int = 0,
    *,
    lost: float = LOST,
    seed: int | None = None,
    pace: float = 1,
    algorithm: str = DEFAULT_ALGORITHM,
) -> Iterator[Portal]:
    """Serves a provider until the block ends. Port 0: any free one. Raises `CommandError` if it cannot be served."""
    keys: dict[str, RSAPublicKey] = {}
    with (
        Provider(seed=seed, lost=lost, pace=pace) as provider,
        serving(provider, keys, port, algorithm) as base_url,
    ):
        yield Portal(provider, base_url, keys)


def key_in(pem: bytes) -> "RSAPublicKey":
    """The public key in a PEM text. Raises `CommandError`."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415  most commands need none
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415  as above

    try:
        key = load_pem_public_key(pem)
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise CommandError("That is no public RSA key in PEM.")
    return key
