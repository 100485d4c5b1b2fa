"""jmespath, whose parser is loaded where there is an expression to parse. Only paginators and waiters have some."""

from typing import Any


def compile(expression: str) -> Any:  # noqa: A001, ANN401  jmespath's
    """As jmespath's own."""
    from jmespath.parser import Parser  # noqa: PLC0415

    return Parser().parse(expression)


def search(expression: str, data: Any, options: Any = None) -> Any:  # noqa: ANN401  jmespath's
    """As jmespath's own."""
    return compile(expression).search(data, options=options)


def __getattr__(name: str) -> Any:  # noqa: ANN401  jmespath's
    if name == "Options":
        from jmespath.visitor import Options  # noqa: PLC0415

        return Options
    raise AttributeError(name)
