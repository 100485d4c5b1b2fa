"""The front door is measured with as many deliveries as are asked for, with pages that follow them and without."""

import pytest

from bench import front_door

pytestmark = pytest.mark.thorough


def test_both_are_measured_of_real_deliveries(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[list[float]] = []

    def kept(of_kind: list[list[float]]) -> dict[str, float]:
        turns.extend(of_kind)
        return {}

    monkeypatch.setattr(front_door, "_summary", kept)
    assert front_door.front_door(rounds=2, deliveries=20).keys() == {"alone", "pages"}
    assert [len(turn) for turn in turns] == [20] * 4
    assert min(min(turn) for turn in turns) > 0


def test_of_the_turns_the_middle_one_counts() -> None:
    turns = [[0.001] * 19 + [0.5], [0.002] * 20, [0.010] * 20]
    summary = front_door._summary(turns)
    assert (summary["seconds"], round(summary["a_second"])) == (0.002, 100)
