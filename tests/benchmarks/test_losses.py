import sys

import pytest

from tests.benchmarks import losses


def test_the_benchmark_prints_a_row_for_every_loss(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["losses", "--size", "1,3,16,32", "--rounds", "1"])
    losses.main()
    printed = capsys.readouterr().out
    assert all(f"| {name} |" in printed for name in losses.BOUNDS)
