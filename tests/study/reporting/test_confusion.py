"""The confusion of classes: of the baseline and the best other cell, over all their seeds."""

from pathlib import Path

import numpy as np
import torch

from study.analysis import networks
from study.analysis.image_counts import confusions
from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.reporting.figures.confusion import confusion
from tests.study import fake, fake_grid, reports
from trainables.metrics import counts_file, per_image

MAPS_NHW = torch.zeros((1, 4, 4), dtype=torch.int64)
COUNTS = per_image.count(MAPS_NHW, MAPS_NHW, 2)


def test_the_winner_of_a_search_alone_is_inspected(tmp_path: Path) -> None:
    results = SearchResults(fake.ended_study(fake.plan(tmp_path)).record)
    assert results.best is not None
    name = f"trial {results.best.number}"
    assert networks.inspected(results) == {name: [results.best]}


def test_pixels_are_summed_over_the_seeds_and_shown_as_shares_of_the_true_class(
    tmp_path: Path,
) -> None:
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    seen = networks.inspected(AblationResults(record))
    assert [(name, len(trials)) for name, trials in seen.items()] == [("plain", 6), ("good", 6)]
    for trial in record.trials.values():
        pixels_KK = torch.tensor([[trial.seed, 15 - trial.seed], [0, 0]])
        folder.write_counts(trial.number, counts_file.pack(COUNTS, confusion_KK=pixels_KK))
    views = confusions(folder, seen, "test")
    assert views["plain"].tolist() == [[15, 75], [0, 0]]
    figure = confusion(views, ["a", "b"], "test list")
    assert figure is not None
    drawn = figure.axes[1].get_images()[0].get_array()
    assert drawn is not None
    shares = np.ma.filled(drawn, np.nan)
    assert np.allclose(shares, [[100 / 6, 500 / 6], [np.nan, np.nan]], equal_nan=True)
    assert "confusion.png" in {path.name for path in reports.write(record, folder)}


def test_counts_of_an_older_version_have_no_confusion(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    for trial in record.trials.values():
        mixed = torch.zeros((2, 2), dtype=torch.int64) if trial.cell == "plain" else None
        if trial.seed == 3:
            mixed = None  # one seed alone would make the sum a sum of others
        folder.write_counts(trial.number, counts_file.pack(COUNTS, confusion_KK=mixed))
    assert confusions(folder, networks.inspected(AblationResults(record)), "test") == {}
    assert "confusion.png" not in {path.name for path in reports.write(record, folder)}
