"""Further cases that `make check` tries; `make test` has no time for them."""

from typing import Any

import pytest


def by_make_check(*cases: Any) -> list[Any]:  # noqa: ANN401  parameters of a test
    return [pytest.param(case, marks=pytest.mark.thorough) for case in cases]
