"""The classes in which a difference in mIoU lies, and those that networks lose: closed forms."""

from dataclasses import replace
from pathlib import Path

import pandas
import pytest
import torch
from torch import Tensor

from study.analysis.class_shares import lost, overlaps, shares
from study.analysis.results import AblationResults
from study.ledger.study_folder import StudyFolder
from study.planning.runs import grid_runs
from study.reporting import write_report
from study.reporting.sections.class_shares import PIXELS, section
from tests.study import fake, fake_grid
from trainables.metrics import counts_file, per_image

CLASSES = ["sky", "road", "pole"]


def overlap(*right: int, pixels: int = 10) -> Tensor:
    """(K,3): so many pixels of each class are right; no false positives."""
    return torch.tensor([[found, 0, pixels - found] for found in right])


def test_a_difference_is_the_sum_of_its_classes_parts() -> None:
    plain = {0: overlap(8, 5, 0), 1: overlap(8, 5, 1)}
    good = {0: overlap(9, 5, 3), 1: overlap(9, 5, 5)}
    found = shares(good, plain)
    assert found is not None
    assert found.delta == pytest.approx(((0.1 + 0.3) / 3 + (0.1 + 0.4) / 3) / 2)
    assert found.parts == pytest.approx({2: 0.35 / 3, 0: 0.1 / 3, 1: 0.0})
    assert [*found.parts] == [2, 0, 1]
    assert found.intact == 2
    assert found.delta_intact == pytest.approx(0.1 / 3)


def test_a_class_is_lost_below_one_percent() -> None:
    """Where it is there; a handful of its pixels may be right by chance."""
    networks = {
        0: overlap(999, 10, 9, pixels=1000),
        1: overlap(999, 0, 0, pixels=1000),
        2: overlap(999, 999, 999, pixels=1000),
        3: torch.tensor([[8, 0, 2], [0, 5, 0], [0, 0, 0]]),  # not there
    }
    found = lost("good", networks)
    assert (found.cell, found.networks, found.losing) == ("good", 4, 2)
    assert [*found.classes.items()] == [(2, 2), (1, 1)]


def test_only_pairs_count_but_every_network_may_lose_a_class() -> None:
    found = shares({0: overlap(8, 6, 2), 1: overlap(8, 0, 2)}, {0: overlap(8, 5, 2)})
    assert found is not None
    assert found.delta == pytest.approx(0.1 / 3)
    assert (found.intact, found.delta_intact) == (2, 0.0)
    assert shares({0: overlap(8, 6, 2)}, {1: overlap(8, 5, 2)}) is None
    assert shares({0: overlap(8, 6, 2)}, {}) is None


def test_a_class_that_is_nowhere_is_none_of_the_kept_ones() -> None:
    """Predicted wrongly it has the IoU 0 all the same, and lowers mIoU; nobody loses it."""
    wrong = torch.tensor([[8, 0, 2], [5, 1, 5], [0, 1, 0], [0, 0, 0]])
    right = torch.tensor([[8, 1, 2], [5, 0, 5], [0, 0, 0], [0, 0, 0]])
    assert lost("good", {0: wrong}).losing == 0
    found = shares({0: right}, {0: wrong})
    assert found is not None
    assert found.delta == pytest.approx((8 / 11 + 0.5) / 2 - (0.8 + 5 / 11 + 0) / 3)
    assert found.delta_intact == pytest.approx(found.delta)
    assert found.intact == len(found.parts) == 3


def test_folds_count_the_same() -> None:
    """Units 0, 2 and 4 are seeds of the first fold, 1 one of the second."""
    plain = {unit: overlap(5, 5) for unit in (0, 1, 2, 4)}
    good = {0: overlap(6, 6), 1: overlap(9, 9), 2: overlap(6, 6), 4: overlap(6, 6)}
    found = shares(good, plain, folds=2)
    assert found is not None
    assert found.delta == pytest.approx((0.1 + 0.4) / 2)


def test_a_class_that_is_not_in_every_fold_is_lost_by_none() -> None:
    plain = {0: overlap(5, 5), 1: torch.tensor([[5, 0, 5], [0, 0, 0]])}
    good = {0: overlap(6, 6), 1: torch.tensor([[9, 0, 1], [0, 0, 0]])}
    found = shares(good, plain, folds=2)
    assert found is not None
    assert found.parts == pytest.approx({0: (0.05 + 0.4) / 2, 1: 0.05 / 2})
    assert found.intact == 2
    assert found.delta_intact == pytest.approx(found.delta)


def ended(
    tmp_path: Path, pole: int, names: list[str] = CLASSES
) -> tuple[AblationResults, StudyFolder]:
    """The baseline's networks get ``pole`` of 8 pixels of the last class right; the others all."""
    plan = fake_grid.plan(tmp_path)
    ledger, folder = fake.begin(plan, replace(fake.DATA, classes=names)), StudyFolder.of(plan)
    for run in grid_runs(plan):
        fake_grid.complete(ledger, run)
    fake_grid.measure_all(ledger)
    true_NHW = torch.arange(len(names)).repeat_interleave(8).view(1, -1, 8)
    for number, trial in ledger.record.trials.items():
        predicted_NHW = true_NHW.clone()
        if trial.cell == "plain":
            predicted_NHW[0, -1, pole:] = 0
        path = folder.counts(number, "test")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(counts_file.pack(per_image.count(predicted_NHW, true_NHW, len(names))))
    return AblationResults(ledger.record), folder


def test_the_report_has_a_row_per_cell_and_a_table_of_pixels(tmp_path: Path) -> None:
    results, folder = ended(tmp_path, pole=0)
    write_report.write(results, folder, {})
    text = (folder.report / "report.md").read_text()
    assert "| plain | 6 of 6 | pole 6 | - | - | - |" in text
    # Sky has 8 false positives beside the baseline's 8: the IoU 1/2.
    parts = "pole +33.33, sky +16.67, road 0.00"
    assert f"| good | 0 of 6 | - | +50.00 | +16.67 (2 of 3) | {parts} |" in text
    found = pandas.read_csv(folder.report / "classes.csv")
    assert len(found) == 2 * 6 * 3
    sky = found[(found["cell"] == "plain") & (found["class"] == "sky")]
    assert sky[[*PIXELS, "iou"]].to_numpy().tolist() == [[8, 8, 0, 0.5]] * 6
    assert sorted(sky["seed"]) == [*fake_grid.SEEDS]


def test_two_classes_that_no_network_loses_need_no_section(tmp_path: Path) -> None:
    """But three do, and so does a class that is lost."""
    assert section(*ended(tmp_path / "three", pole=1)) != []
    assert section(*ended(tmp_path / "two", 1, ["sky", "pole"])) == []
    assert section(*ended(tmp_path / "lost", 0, ["sky", "pole"])) != []


@pytest.mark.parametrize("content", [b"damaged", b""])
def test_networks_without_counts_are_left_out(tmp_path: Path, content: bytes) -> None:
    results, folder = ended(tmp_path, pole=0)
    write_report.write(results, folder, {})
    assert (folder.report / "classes.csv").exists()
    good = next(trial for trial in results.finalists if trial.cell == "good")
    folder.counts(good.number, "test").write_bytes(content)
    assert good.unit not in overlaps(results, folder)["good"]
    for path in folder.counts(0, "test").parent.iterdir():
        path.unlink()
    assert section(results, folder) == []
    write_report.write(results, folder, {})
    assert not (folder.report / "classes.csv").exists()


def test_counts_of_other_classes_and_of_no_image_are_left_out(tmp_path: Path) -> None:
    results, folder = ended(tmp_path, pole=0)
    first, second = results.finalists[:2]
    for trial, images, classes in ((first, 1, 5), (second, 0, 3)):
        empty_NHW = torch.zeros((images, 4, 6), dtype=torch.int64)
        content = counts_file.pack(per_image.count(empty_NHW, empty_NHW, classes))
        folder.counts(trial.number, "test").write_bytes(content)
    found = overlaps(results, folder)
    assert sum(len(by_unit) for by_unit in found.values()) == len(results.finalists) - 2


def test_networks_that_were_not_tested_are_left_out(tmp_path: Path) -> None:
    """A crash between the counts and the ledger leaves such counts."""
    results, folder = ended(tmp_path, pole=0)
    good = next(trial for trial in results.finalists if trial.cell == "good")
    good.tested, good.untested = None, "no checkpoint"
    assert results.split == "test"
    assert good.unit not in overlaps(results, folder)["good"]
