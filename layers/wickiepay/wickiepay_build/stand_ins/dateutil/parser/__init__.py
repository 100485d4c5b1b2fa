"""dateutil's parser of times in words, which is loaded where there is a time to parse. None of our answers has one."""

from typing import Any


def parse(text: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  dateutil's
    """As dateutil's own."""
    from dateutil.parser._parser import parse as parse_now  # noqa: PLC0415

    return parse_now(text, *arguments, **options)


def isoparse(text: Any) -> Any:  # noqa: ANN401  dateutil's
    """As dateutil's own."""
    from dateutil.parser.isoparser import isoparse as parse_now  # noqa: PLC0415

    return parse_now(text)
