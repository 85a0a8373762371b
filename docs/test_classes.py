"""The classes in which gains lie: the archived pixels are those of the ledgers' figures."""

from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from docs.results import classes
from docs.results.archive import Archived, archived, compared
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Section, Sheet
from trainables.metrics.overlap import iou


@pytest.mark.parametrize("study", compared(archived()), ids=lambda study: study.name)
def test_the_archived_pixels_give_the_ledger_s_miou(study: Archived) -> None:
    """Of every cell and seed; none is missing."""
    found = classes.overlaps(study)
    figures = {
        (cell, int(seed.removeprefix("seed_"))): value
        for cell, result in study.tables["miou"].items()
        for seed, value in result.seeds.items()
    }
    assert figures.keys() == {(cell, seed) for cell, seeds in found.items() for seed in seeds}
    for (cell, seed), value in figures.items():
        assert iou(found[cell][seed]).nanmean().item() == pytest.approx(value, abs=1e-12)


def test_a_column_has_what_is_left_without_lost_classes(tmp_path: Path) -> None:
    study = archived()[0]
    names = [cell.name for cell in study.record.plan.grid.cells][:3]
    names_of_classes = study.record.data.classes
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
        for place, name in enumerate(names_of_classes)
    ]
    zoo = StudyFolder(tmp_path / "zoo")
    zoo.path.mkdir()
    pandas.DataFrame(rows).to_csv(zoo.path / "classes.csv", index=False)
    (section,) = classes.section([replace(study, folder=zoo)])
    assert isinstance(section, Section)
    _, table = section.blocks
    assert isinstance(table, Sheet)
    one, two, number = *names_of_classes[:2], len(names_of_classes)
    assert table.head == ["loss", "zoo"]
    gain, loss = 10 / number, -50 / number
    assert table.rows == [
        [f"`{names[0]}`", "(0 of 2)"],
        [f"`{names[1]}`", f"{gain:+.2f} of {gain + loss:+.2f}, {two} {loss:+.2f} (2 of 2)"],
        [f"`{names[2]}`", f"{-gain:+.2f} of {-gain:+.2f}, {one} {-gain:+.2f} (0 of 2)"],
    ]


def test_a_cell_may_have_any_name(tmp_path: Path) -> None:
    """pandas takes NA for a missing value, and 0.10 for a number."""
    pixels = "1,0,0"
    rows = [f"{cell},1,sky,{pixels},1.0" for cell in ("NA", "0.10", "null")]
    folder = StudyFolder(tmp_path / "zoo")
    folder.path.mkdir()
    head = "cell,seed,class,true_positives,false_positives,false_negatives,iou"
    (folder.path / "classes.csv").write_text("\n".join([head, *rows, ""]))
    assert [*classes.overlaps(replace(archived()[0], folder=folder))] == ["NA", "0.10", "null"]


def test_nothing_is_said_without_archived_pixels(tmp_path: Path) -> None:
    assert classes.section([replace(archived()[0], folder=StudyFolder(tmp_path))]) == []
