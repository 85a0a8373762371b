"""The classes that networks never find: the archived pixels are those of the ledgers' figures."""

from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from docs.results import missed
from docs.results.archive import Archived, archived, compared
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Section, Sheet
from trainables.metrics.overlap import iou


@pytest.mark.parametrize("study", compared(archived()), ids=lambda study: study.name)
def test_the_archived_pixels_give_the_ledger_s_miou(study: Archived) -> None:
    """Of every cell and seed; none is missing."""
    found = missed.overlaps(study)
    figures = {
        (cell, int(seed.removeprefix("seed_"))): value
        for cell, result in study.tables["miou"].items()
        for seed, value in result.seeds.items()
    }
    assert figures.keys() == {(cell, seed) for cell, seeds in found.items() for seed in seeds}
    for (cell, seed), value in figures.items():
        assert iou(found[cell][seed]).nanmean().item() == pytest.approx(value, abs=1e-12)


def test_a_column_has_the_difference_where_a_class_is_missed(tmp_path: Path) -> None:
    study = archived()[0]
    names = [cell.name for cell in study.record.plan.grid.cells][:3]
    classes = study.record.data.classes
    right = {names[0]: (8, 5), names[1]: (9, 0), names[2]: (7, 5)}
    rows = [
        {
            "cell": cell,
            "seed": seed,
            "class": name,
            "true_positives": pixels[place] if place < 2 else 10,
            "false_positives": 0,
            "false_negatives": 10 - pixels[place] if place < 2 else 0,
        }
        for cell, pixels in right.items()
        for seed in (1, 2)
        for place, name in enumerate(classes)
    ]
    zoo = StudyFolder(tmp_path / "zoo")
    zoo.path.mkdir()
    pandas.DataFrame(rows).to_csv(zoo.path / "classes.csv", index=False)
    (section,) = missed.section([replace(study, folder=zoo)])
    assert isinstance(section, Section)
    _, table = section.blocks
    assert isinstance(table, Sheet)
    shared = len(classes) - 1
    assert table.head == ["loss", "zoo"]
    assert table.rows == [
        [f"`{names[0]}`", "0 of 2"],
        [f"`{names[1]}`", f"2 of 2; {10 / shared:+.2f} over {shared} of {shared + 1}"],
        [f"`{names[2]}`", "0 of 2"],
    ]


def test_nothing_is_said_without_archived_pixels(tmp_path: Path) -> None:
    assert missed.section([replace(archived()[0], folder=StudyFolder(tmp_path))]) == []
