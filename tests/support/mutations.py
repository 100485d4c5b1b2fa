"""Ways to break a template: each is a place in it, and what is done there.

A place is a path. It begins with a section (`Parameters/…`), or with a resource, whose properties it is in then. In a
list it goes on with a position, or with any value of the element that is meant: the `Sid` of a statement, for example.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.support.cloudformation import Template, Tree

SECTIONS: Final = {"Globals", "Metadata", "Parameters", "Rules", "Conditions", "Resources", "Outputs"}


@dataclass(frozen=True, slots=True)
class Mutation:
    text: str
    change: Callable[[Tree], None]

    def apply(self, source: Tree) -> Template:
        """Breaks `source` itself. Raises LookupError or StopIteration where there is no such place."""
        self.change(source)
        return Template(source)


def without(*paths: str) -> Mutation:
    """What is there is not."""

    def change(source: Tree) -> None:
        for path in paths:
            node, key = _place(source, path)
            del node[key]

    return Mutation(f"without {' and '.join(paths)}", change)


def instead(path: str, value: object) -> Mutation:
    """A template with `value` instead of what is there."""

    def change(source: Tree) -> None:
        node, key = _place(source, path)
        assert node[key] != value
        node[key] = value

    return Mutation(f"{path} = {value}", change)


def besides(path: str, value: object) -> Mutation:
    """There is `value` where nothing has been."""

    def change(source: Tree) -> None:
        node, key = _place(source, path)
        assert key not in node
        node[key] = value

    return Mutation(f"with {path} = {value}", change)


def more(path: str, value: object) -> Mutation:
    """What is there is a list with `value` besides."""

    def change(source: Tree) -> None:
        node, key = _place(source, path)
        node[key] = [*(node[key] if isinstance(node[key], list) else [node[key]]), value]

    return Mutation(f"{path} with {value}", change)


def reworded(path: str, old: str, new: str) -> Mutation:
    """The text that is there says `new` where it says `old`."""

    def change(source: Tree) -> None:
        node, key = _place(source, path)
        assert old in node[key]
        node[key] = node[key].replace(old, new)

    return Mutation(f"{path}: {new or 'nothing'} instead of {old}", change)


def _place(source: Tree, path: str) -> tuple[Any, Any]:
    """What holds that which a path leads to, and what it is indexed with."""
    first, *steps = path.split("/")
    steps = [first, *steps] if first in SECTIONS else ["Resources", first, "Properties", *steps]
    node: Any = source
    for step in steps[:-1]:
        node = node[_index(node, step)]
    return node, _index(node, steps[-1])


def _index(node: Any, step: str) -> str | int:  # noqa: ANN401  a mapping or a list
    if not isinstance(node, list):
        return step
    if step.isdecimal():
        return int(step)
    return next(i for i, each in enumerate(node) if each == step or (isinstance(each, dict) and step in each.values()))
