"""The section about what would narrow the intervals: seeds or images, from stored counts."""

from pathlib import Path

import numpy as np
import torch

from study.analysis.results import AblationResults
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Points, Sheet
from study.reporting.sections import uncertainty
from tests.study import fake_grid, reports
from trainables.metrics import counts_file, per_image

PIXELS = 10**4
_RANDOM = np.random.default_rng(0)
OF_SEEDS, OF_IMAGES = _RANDOM.standard_normal(6), _RANDOM.standard_normal(10)


def store(folder: StudyFolder, record: StudyRecord, by_seed: float, by_image: float) -> None:
    """Counts of ten images, whose second class is absent: the cell's gains differ this much."""
    for trial in record.trials.values():
        right_N = np.full(10, 0.6)
        if trial.cell == "good":
            right_N += 0.05 + by_seed * OF_SEEDS[trial.seed] + by_image * OF_IMAGES
        true_N = torch.from_numpy((PIXELS * right_N).round()).long()
        overlap_N3 = torch.stack((true_N, 0 * true_N, PIXELS - true_N), dim=-1)
        counts = per_image.empty(10, 2, torch.device("cpu"))
        counts.overlap_NK3[:, 0] = overlap_N3
        folder.write_counts(trial.number, counts_file.pack(counts))


def blocks(tmp_path: Path, by_seed: float, by_image: float) -> tuple[str, Sheet]:
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    store(folder, record, by_seed, by_image)
    (section,) = uncertainty.section(AblationResults(record), folder)
    points, sheet, _ = section.blocks
    assert isinstance(points, Points)
    assert isinstance(sheet, Sheet)
    return points.texts[0], sheet


def test_seeds_that_differ_ask_for_more_seeds(tmp_path: Path) -> None:
    said, sheet = blocks(tmp_path, by_seed=0.02, by_image=0.005)
    assert "more seeds would narrow this interval most: " in said
    assert " with 12 seeds, " in said
    row = dict(zip(sheet.head, sheet.rows[0], strict=True))
    assert row["cell"] == "good"
    assert float(row["twice the seeds"]) < float(row["twice the images"]) < float(row["width"])
    of_seeds = 0.02**2 * OF_SEEDS.var(ddof=1) / 6
    of_images = 0.005**2 * OF_IMAGES.var(ddof=1) / 10
    assert row["seeds"] == f"{of_seeds / (of_seeds + of_images):.0%}"
    assert row["interaction"] == "0%"


def test_images_that_differ_ask_for_more_images(tmp_path: Path) -> None:
    said, sheet = blocks(tmp_path, by_seed=0.001, by_image=0.03)
    assert "more test images would narrow this interval most: " in said
    assert " with 20 test images, " in said
    assert sheet.rows[0][sheet.head.index("images")] in ("99%", "100%")


def test_without_counts_of_every_seed_there_is_no_section(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    assert uncertainty.section(AblationResults(record), folder) == []
    store(folder, record, 0.02, 0.01)
    assert "More seeds or more images?" in reports.markdown(record, folder.path)
    folder.counts(0, "test").unlink()
    assert uncertainty.section(AblationResults(record), folder) == []
