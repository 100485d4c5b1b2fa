"""Work done in batches, and no faster than somebody wishes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from wickiepay.queue import MAX_ENTRIES


def batch_size(rate: float | None) -> int:
    """How many to take at once, so that `rate` a second come evenly: what one send takes, or what a second allows."""
    return MAX_ENTRIES if rate is None else max(1, min(MAX_ENTRIES, int(rate)))


def paced[T](
    batches: Iterable[Sequence[T]],
    rate: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Sequence[T]]:
    """The batches as they come, held back so that their items stay below `rate` a second; None holds nothing back."""
    begin, done = clock(), 0
    for batch in batches:
        if rate is not None and (early := begin + done / rate - clock()) > 0:
            sleep(early)
        yield batch
        done += len(batch)
