"""Work in batches at a limited rate."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from wickiepay.queue import MAX_ENTRIES


def batch_size(rate: float | None) -> int:
    """The size of a batch so that `rate` a second come evenly: at most what one send takes or one second allows."""
    return MAX_ENTRIES if rate is None else max(1, min(MAX_ENTRIES, int(rate)))


def paced[T](
    batches: Iterable[Sequence[T]],
    rate: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Sequence[T]]:
    """The batches, delayed so that their items come at most at `rate` a second, or without delay if it is None."""
    begin, done = clock(), 0
    for batch in batches:
        if rate is not None and (early := begin + done / rate - clock()) > 0:
            sleep(early)
        yield batch
        done += len(batch)
