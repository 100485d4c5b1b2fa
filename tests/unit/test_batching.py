"""Batches that keep order, count and size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wickiepay.batching import batches


@given(st.lists(st.binary(max_size=30)), st.integers(1, 5), st.integers(0, 50))
def test_batches_hold_everything_in_order_within_their_bounds(items: list[bytes], most: int, most_bytes: int) -> None:
    cut = list(batches(items, len, most, most_bytes))

    assert [item for batch in cut for item in batch] == items
    assert all(0 < len(batch) <= most for batch in cut)
    assert all(sum(map(len, batch)) <= most_bytes or len(batch) == 1 for batch in cut)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([4, 6], [[4, 6]]),
        ([4, 7], [[4], [7]]),
        ([11], [[11]]),
        ([1, 11, 1], [[1], [11], [1]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
    ],
)
def test_a_batch_is_cut_no_earlier_than_it_must_be(sizes: list[int], expected: list[list[int]]) -> None:
    assert list(batches(sizes, lambda size: size, most=3, most_bytes=10)) == expected
