import sys

import pytest

from tests.benchmarks import losses


def test_the_benchmark_prints_a_row_for_every_loss(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["losses", "--size", "1,3,16,32", "--rounds", "1"])
    assert losses.main() == 0
    printed = capsys.readouterr().out
    assert all(f"| {name} |" in printed for name in losses.BOUNDS)


def test_a_bound_is_missed_when_three_of_four_rounds_miss_it() -> None:
    times = {name: [1.0] * 4 for name in (*losses.BOUNDS, "SEMEDA", losses.CONVOLUTIONS)}
    times["cross-entropy"] = [1.0] * 4
    times["AR"] = [0.1] * 4
    memory = dict.fromkeys(times, 4.0)
    assert losses.missed(times, memory) == []
    times["AR"] = [0.1, 0.1, 0.5, 0.5]
    assert losses.missed(times, memory) == []
    times["AR"], memory["FKL"] = [0.1, 0.4, 0.5, 0.5], 4.2
    assert losses.missed(times, memory) == [
        "AR: 0.40 times cross-entropy, at most 0.3",
        "FKL: 4.2 times the logits, at most 4.0",
    ]
