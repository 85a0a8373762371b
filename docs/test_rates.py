"""The page says at which rate the losses were compared, and where another rate did better."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from docs.results import rates
from docs.results.archive import GRID, Archived
from search_spaces import Cell
from study.ledger.study_folder import StudyFolder
from tests.study import fake_grid
from tests.study.fake_datasets import ended

SCORES = {0.25: 0.25, 0.5: 0.5, 1.0: 0.375}
"""By rate, mIoU on the validation list of the first seed; exact in binary."""


def tried(home: Path, name: str, scores: Mapping[float, float]) -> Archived:
    """A study of rates, two seeds; the second seed's mIoU is 1/32 higher."""
    baseline, *others = scores
    cells = [Cell(name="plain", changes={rates.RATE: baseline})]
    cells += [Cell(name=f"lr={rate:g}", changes={rates.RATE: rate}) for rate in others]
    grid = replace(fake_grid.GRID, cells=tuple(cells))
    gains = {
        cell.name: [score - 0.25] * 2 for cell, score in zip(cells, scores.values(), strict=True)
    }
    return Archived(StudyFolder(home / name), ended(home, name, name, gains, grid), {})


def at(home: Path, rate: float) -> Archived:
    """The comparison of losses, at one rate."""
    cells = (
        Cell(name="plain", changes={rates.RATE: rate}),
        Cell(name="good", changes={rates.RATE: rate, "loss/lovasz": 1.0}),
    )
    grid = replace(fake_grid.GRID, name=GRID, cells=cells)
    return Archived(StudyFolder(home / "zoo"), ended(home, "zoo", "zoo", grid=grid), {})


def test_the_rates_stand_with_cross_entropy_s_validation(tmp_path: Path) -> None:
    found = [tried(tmp_path, "zoo-rate", SCORES), at(tmp_path, 0.5)]
    sheet = rates.sheet(found, "miou")
    assert sheet.head == ["dataset", "0.25", "0.5", "1"]
    assert sheet.rows == [["zoo", "26.56 %", "**51.56 %**", "39.06 %"]]


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0.5, "none of the best at an end"),
        (0.25, "on zoo 0.5 was better than 0.25 by +25.00"),
        (1.0, "on zoo 0.5 was better than 1 by +12.50"),
    ],
)
def test_a_better_rate_is_said(tmp_path: Path, rate: float, said: str) -> None:
    found = [tried(tmp_path, "zoo-rate", SCORES), at(tmp_path, rate)]
    assert rates.limit(found, "miou").endswith(f": {said}.")


def test_a_later_study_of_rates_adds_to_the_first(tmp_path: Path) -> None:
    first = tried(tmp_path, "zoo-rate", {0.25: 0.25, 0.5: 0.5})
    found = [first, at(tmp_path, 0.5)]
    assert "on zoo the best lay at an end" in rates.limit(found, "miou")
    found.append(tried(tmp_path, "zoo-rate-2", {0.5: 0.5, 1.0: 0.375}))
    assert rates.limit(found, "miou").endswith(": none of the best at an end.")


def test_a_dataset_without_a_study_of_rates_is_said(tmp_path: Path) -> None:
    found = [at(tmp_path, 0.5)]
    assert rates.limit(found, "miou").endswith(": none was tried on zoo.")
    assert rates.sheet(found, "miou").rows == [["zoo"]]
