"""The simulated provider beside the stack of `wickiepay listen --provider simulated`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from wickiepay_cli.stacks.stack import Stack

if TYPE_CHECKING:
    from wickiepay_cli.simulator.portal import Portal


@dataclass(slots=True)
class Beside:
    """The provider beside one stack after another, at the same address each time. If not `wanted`, there is none."""

    wanted: bool
    _port: int = 0
    _portal: "Portal | None" = None

    @contextmanager
    def serving(self) -> Iterator[Mapping[str, str]]:
        """Serves it until the block ends. Gives the parameters that a stack needs to ask it."""
        if not self.wanted:
            yield {}
            return
        from wickiepay_cli.simulator.portal import beside_a_stack  # noqa: PLC0415  few want it

        with beside_a_stack(self._port) as portal:
            self._port, self._portal = httpx.URL(portal.base_url).port or 0, portal
            yield portal.parameters

    @contextmanager
    def living(self, stack: Stack, tell: Callable[[str], None]) -> Iterator[None]:
        """Gives the stack a key to the provider's API, and has events happen there until the block ends."""
        if self._portal is None:
            yield
            return
        from wickiepay_cli.operations.provider import SECRET, create_key  # noqa: PLC0415  as above
        from wickiepay_cli.simulator.portal import RATE  # noqa: PLC0415  as above

        self._portal.meet(stack.output("WebhookUrl"), stack.signing_secret(), create_key(stack))
        tell(f"The provider's API: {self._portal.base_url}. The key to it is in the secret {stack.output(SECRET)}")
        with self._portal.provider.living(RATE):
            yield
