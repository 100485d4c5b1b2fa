"""What the worst forged body costs: one that is signed with another secret, and written to be as slow as can be.

The node and python schemes read a body before it is verified. So the shapes here are those that are slow to read or to
write again: deeply nested, of many small values, of numbers that are hard to print, of characters that are escaped.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import Final

from bench import deliveries
from bench.counting import ALL_SCHEMES
from bench.lambda_folder import LambdaFolder
from bench.running import Plan, timed
from bench.stub_aws import stub_aws
from wickiepay.delivery import MAX_BODY_BYTES
from wickiepay.reserialise import MAX_DEPTH
from wickiepay.signature import MAX_RESERIALISED_BYTES

TRIES: Final = 5
"""The quickest counts, because other work of the machine only adds time."""

LARGEST_REQUEST: Final = 6_000_000
"""Lambda takes no larger one."""

type Shape = Callable[[int], str]


def _listed(values: Iterator[str], size: int) -> str:
    """An array of as many of them as fit."""
    text, length = [], len("[]")
    for value in values:
        length += len(value) + 1
        if length > size:
            break
        text.append(value)
    return f"[{','.join(text)}]"


def _text(part: str) -> Shape:
    return lambda size: f'["{part * ((size - 4) // len(part.encode()))}"]'


def _of(value: str) -> Shape:
    return lambda size: _listed(iter(lambda: value, None), size)


def _keys(size: int) -> str:
    return "{" + _listed((f'"{number}":0' for number in count()), size)[1:-1] + "}"


def _keys_backwards(size: int) -> str:
    return "{" + _listed((f'"{number}":0' for number in islice(count(99_999, -1), 99_999)), size)[1:-1] + "}"


SHAPES: Final[Mapping[str, Shape]] = {
    "a text": _text("a"),
    "escapes": _text(r"\u00e9"),
    "quotes": _text(r"\""),
    "accents": _text("é"),
    "emoji": _text("😀"),
    "lone surrogates": _text(r"\ud800"),
    "pairs of surrogates": _text(r"\ud83d\ude00"),
    "digits": _of("0"),
    "literals": _of("null"),
    "fractions": _of("0.1"),
    "long fractions": _of("1.7976931348623157e-7"),
    "small powers": _of("5e-7"),
    "large powers": _of("1e20"),
    "one number": lambda size: f"[{'9' * (size - 2)}]",
    "long numbers": _of("9" * 4300),
    "empty objects": _of("{}"),
    "empty arrays": _of("[]"),
    "objects of one": _of('{"":0}'),
    "empty texts": _of('""'),
    "numbered keys": _keys,
    "numbered keys, backwards": _keys_backwards,
    "deep arrays": _of("[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2)),
    "deep objects": _of('{"":' * (MAX_DEPTH - 2) + "0" + "}" * (MAX_DEPTH - 2)),
    "too deep": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "brackets in a text": _text("["),
    "blanks": lambda size: "[" + " " * (size - 2) + "]",
    "an open text": lambda size: '["' + "\\a" * (size // 2 - 1),
}


def worst_forged(folder: LambdaFolder, scratch: Path) -> dict[str, float]:
    """CPU milliseconds of each shape, at the size at which it takes longest."""
    bodies = {
        (name, size): shape(size)
        for size in (MAX_RESERIALISED_BYTES, MAX_BODY_BYTES, LARGEST_REQUEST)
        for name, shape in SHAPES.items()
    }
    events = [deliveries.delivery(text.encode(), "not the secret") for text in bodies.values()]
    as_base64 = [
        {**event, "body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
        for event in events
    ]
    steps = [[event] for event in (*events, *as_base64) for _ in range(TRIES)]
    plan = Plan("ingest", [deliveries.forged(1), *steps])
    with stub_aws() as stub:
        run = timed(plan, folder.ours("ingest", ACCEPTED_SCHEMES=ALL_SCHEMES), stub.url, scratch / "worst")
    assert set(run.answers) <= {401, 413}, set(run.answers)
    worst: dict[str, float] = {}
    for number, (name, _) in enumerate([*bodies, *bodies]):
        first = 1 + number * TRIES
        took = min(1000 * run.cpu(step) for step in range(first, first + TRIES))
        worst[name] = max(took, worst.get(name, 0))
    return worst
