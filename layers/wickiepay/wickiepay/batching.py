"""Cutting a list into the batches that AWS's batch calls take."""

from collections.abc import Callable, Iterable, Iterator


def batches[T](items: Iterable[T], size: Callable[[T], int], most: int, most_bytes: int) -> Iterator[list[T]]:
    """The items in lists of at most `most` items and `most_bytes` bytes (by `size`); a larger item comes alone."""
    batch: list[T] = []
    total = 0
    for item in items:
        if batch and (len(batch) == most or total + size(item) > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch
