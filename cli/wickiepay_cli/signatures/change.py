"""Mistakes, and how they are undone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in a word (`code`), and what to do about it. It is not `certain` if only signs suggest it."""

    code: str
    what: str
    remedy: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Change[T]:
    """What may have happened to a value. `undo` returns the value before, or raises ValueError if it is impossible."""

    code: str
    what: str
    remedy: str
    undo: Callable[[T], T]


type Changes[T] = tuple[Change[T], ...]


def findings_of[T](changes: Changes[T]) -> list[Finding]:
    """The findings for `changes` that happened."""
    return [Finding(change.code, change.what, change.remedy) for change in changes]


def undone[T](given: T, changes: Sequence[Change[T]]) -> Iterator[tuple[Changes[T], T]]:
    """`given` unchanged, then with each of `changes` undone, then with any two; each with the changes undone.

    A table of changes goes from the inside out: of two, the later one is undone first. It also goes from the specific
    to the general, so that the first of several explanations is the best. A change without an effect is left out.
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
