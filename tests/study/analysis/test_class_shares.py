"""How much of a difference in mIoU is one of classes that networks never find: closed forms."""

from dataclasses import replace
from pathlib import Path

import pandas
import pytest
import torch
from torch import Tensor

from study.analysis.missed_classes import missed, overlaps
from study.analysis.results import AblationResults
from study.ledger.study_folder import StudyFolder
from study.planning.runs import grid_runs
from study.reporting import write_report
from study.reporting.sections.missed_classes import PIXELS, section, table
from tests.study import fake, fake_grid
from trainables.metrics import counts_file, per_image

BASELINES = {"plain": "plain", "good": "plain"}
CLASSES = ["sky", "road", "pole"]


def overlap(*right: int) -> Tensor:
    """(K,3): 10 pixels of each class, of which so many are right; no false positives."""
    return torch.tensor([[found, 0, 10 - found] for found in right])


def test_a_difference_is_split_at_the_classes_that_all_find() -> None:
    by_cell = {
        "plain": {0: overlap(8, 5, 0), 1: overlap(8, 5, 1)},
        "good": {0: overlap(9, 5, 3), 1: overlap(9, 5, 5)},
    }
    plain, good = missed(by_cell, BASELINES)
    assert (plain.missing, plain.networks, plain.classes) == (1, 2, {2: 1})
    assert (plain.delta, plain.delta_shared) == (None, None)
    assert (good.missing, good.networks, good.classes) == (0, 2, {})
    assert good.delta == pytest.approx(((0.1 + 0.3) / 3 + (0.1 + 0.4) / 3) / 2)
    assert good.shared == 2
    assert good.delta_shared == pytest.approx(0.1 / 2)


def test_only_pairs_count_but_every_network_says_what_it_finds() -> None:
    """A network of the cell without a partner decides which classes all find, and no difference."""
    by_cell = {"plain": {0: overlap(8, 5, 2)}, "good": {0: overlap(8, 6, 2), 1: overlap(8, 0, 2)}}
    good = missed(by_cell, BASELINES)[1]
    assert (good.missing, good.classes, good.shared) == (1, {1: 1}, 2)
    assert good.delta == pytest.approx(0.1 / 3)
    assert good.delta_shared == pytest.approx(0.0)


def test_a_class_that_is_not_there_is_not_missed() -> None:
    """Predicted wrongly it has the IoU 0 all the same; it is none that all find."""
    absent = torch.tensor([[8, 0, 2], [5, 1, 5], [0, 1, 0]])
    nowhere = torch.tensor([[8, 1, 2], [5, 0, 5], [0, 0, 0]])
    plain, good = missed({"plain": {0: absent}, "good": {0: nowhere}}, BASELINES)
    assert (plain.missing, good.missing, good.shared) == (0, 0, 2)
    assert good.delta == pytest.approx((8 / 11 + 0.5) / 2 - (0.8 + 5 / 11 + 0) / 3)


def test_a_cell_that_shares_no_class_has_no_difference_over_shared_ones() -> None:
    by_cell = {"plain": {0: overlap(8, 0, 0)}, "good": {0: overlap(0, 5, 5)}}
    good = missed(by_cell, BASELINES)[1]
    assert (good.shared, good.delta_shared) == (0, None)
    assert good.delta == pytest.approx(0.2 / 3)


def test_a_cell_without_its_baseline_s_counts_has_no_difference() -> None:
    (good,) = missed({"good": {0: overlap(8, 0, 2)}}, BASELINES)
    assert (good.delta, good.delta_shared, good.missing) == (None, None, 1)


def ended(tmp_path: Path, pole: int) -> tuple[AblationResults, StudyFolder]:
    """The baseline's networks get ``pole`` of 8 pixels of the third class right; the others all."""
    plan = fake_grid.plan(tmp_path)
    ledger, folder = fake.begin(plan, replace(fake.DATA, classes=CLASSES)), StudyFolder.of(plan)
    for run in grid_runs(plan):
        fake_grid.complete(ledger, run)
    fake_grid.measure_all(ledger)
    true_NHW = torch.arange(3).repeat_interleave(8).view(1, 4, 6)
    for number, trial in ledger.record.trials.items():
        predicted_NHW = true_NHW.clone()
        if trial.cell == "plain":
            predicted_NHW.view(-1)[16 + pole :] = 0
        path = folder.counts(number, "test")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(counts_file.pack(per_image.count(predicted_NHW, true_NHW, 3)))
    return AblationResults(ledger.record), folder


def test_the_report_has_a_row_per_cell_and_a_table_of_pixels(tmp_path: Path) -> None:
    results, folder = ended(tmp_path, pole=0)
    write_report.write(results, folder, {})
    text = (folder.report / "report.md").read_text()
    assert "| plain | 6 of 6 | pole 6 | - | 2 of 3 | - |" in text
    # Sky has 8 false positives beside the baseline's 8: the IoU 1/2.
    assert "| good | 0 of 6 | - | +50.00 | 2 of 3 | +25.00 |" in text
    found = pandas.read_csv(folder.report / "classes.csv")
    assert len(found) == 2 * 6 * 3
    sky = found[(found["cell"] == "plain") & (found["class"] == "sky")]
    assert sky[[*PIXELS, "iou"]].to_numpy().tolist() == [[8, 8, 0, 0.5]] * 6
    assert sorted(sky["seed"]) == [*fake_grid.SEEDS]


def test_nothing_is_said_where_every_network_finds_every_class(tmp_path: Path) -> None:
    results, folder = ended(tmp_path, pole=1)
    assert section(results, folder) == []
    assert not table(results, folder).empty


def test_networks_without_counts_are_left_out(tmp_path: Path) -> None:
    results, folder = ended(tmp_path, pole=0)
    good = next(trial for trial in results.finalists if trial.cell == "good")
    folder.counts(good.number, "test").write_bytes(b"damaged")
    assert good.unit not in overlaps(results, folder)["good"]
    for path in folder.counts(0, "test").parent.iterdir():
        path.unlink()
    assert section(results, folder) == []
    write_report.write(results, folder, {})
    assert not (folder.report / "classes.csv").exists()
