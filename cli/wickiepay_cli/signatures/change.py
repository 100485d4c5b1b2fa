"""Something that went wrong, and how it is undone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what to do about it. `code` is the word for it; not `certain` is what signs alone tell of."""

    code: str
    what: str
    remedy: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Change[T]:
    """What may have happened to a value. `undo` says what it was before, or raises ValueError: it cannot be so."""

    code: str
    what: str
    remedy: str
    undo: Callable[[T], T]


type Changes[T] = tuple[Change[T], ...]


def findings_of[T](changes: Changes[T]) -> list[Finding]:
    """What is wrong where `changes` happened."""
    return [Finding(change.code, change.what, change.remedy) for change in changes]


def undone[T](given: T, changes: Sequence[Change[T]]) -> Iterator[tuple[Changes[T], T]]:
    """`given` as it is, then with each one of `changes` undone, then with any two; each with what was undone.

    A table of changes goes from the inside out: what is undone first of two stands later in it. And it goes from the
    particular to what undoes this and that besides, so that the first of several explanations is the best. What a
    change leaves as it was is left out.
    """
    yield (), given
    once = []
    for position, change in enumerate(changes):
        for before in _without(change, given):
            yield (change,), before
            once.append((position, change, before))
    for position, outer, between in once:
        for inner in changes[:position]:
            for before in _without(inner, between):
                yield (outer, inner), before


def _without[T](change: Change[T], value: T) -> Iterator[T]:
    try:
        before = change.undo(value)
    except ValueError:
        return
    if before != value:
        yield before
