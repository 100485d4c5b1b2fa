"""Access to an AWS emulator: its address and its key. Each run has a key of its own, and accepts no other."""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Self

import botocore.session
from botocore.config import Config

REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class Access:
    """An emulator's address and its unrestricted key. Functions do not get it: each runs under its own role."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def anew(cls, endpoint_url: str) -> Self:
        """Access with a new key that nobody else knows."""
        return cls(endpoint_url, f"LOCAL{secrets.token_hex(16).upper()}", secrets.token_urlsafe(32))

    @property
    def api_root(self) -> str:
        """The prefix of the addresses of HTTP APIs, whose callers have no key. Only the key's owner can know it."""
        return f"{self.endpoint_url}/{hmac.digest(self.secret_access_key.encode(), b'HTTP API', 'sha256').hex()}"

    def client(self, service: str, **config: Any) -> Any:  # noqa: ANN401  typed by its callers
        """A client with all permissions; `config` is botocore's."""
        session = unconfigured()
        session.set_credentials(self.access_key_id, self.secret_access_key)
        return session.create_client(service, endpoint_url=self.endpoint_url, config=Config(proxies={}, **config))


def unconfigured() -> botocore.session.Session:
    """A session in the emulator's region. It ignores the user's own AWS configuration."""
    session = botocore.session.Session(
        {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    session.set_config_variable("region", REGION)
    return session
