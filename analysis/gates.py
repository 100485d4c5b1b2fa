"""Models of limits: a token bucket, and the environments of a function."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class TokenBucket:
    """Lets `rate` a second through, and `burst` at once after a rest. Begins full."""

    rate: float
    burst: float
    _tokens: float = field(init=False)
    _at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._tokens = self.burst

    def take(self, now: float) -> bool:
        """Takes a token. Returns False if there is none."""
        self._tokens = min(self.burst, self._tokens + self.rate * (now - self._at))
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass(slots=True)
class Environments:
    """A function's idle environments, with the one that worked last on top. Each is removed after `idle_seconds`."""

    idle_seconds: float
    _since: list[float] = field(default_factory=list)

    def warm(self, number: int) -> None:
        """Begins with `number` idle environments."""
        self._since += [0.0] * number

    def take(self, now: float) -> bool:
        """Takes one; says False where one has to be made."""
        if not self._since:
            return False
        if now - self._since.pop() <= self.idle_seconds:
            return True
        self._since.clear()  # the others have had nothing to do for longer still
        return False

    def put_back(self, now: float) -> None:
        self._since.append(now)
