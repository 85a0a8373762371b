"""The gallery: test images as a study's networks segment them, chosen by their figures.

It is drawn once, when the study ends, and stored beside the ledger, so that a report needs no
network. Shape letters: N images, K classes.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import torch
from torch import Tensor

from study.analysis.image_counts import read_counts
from study.analysis.networks import best_pair
from study.analysis.results import StudyResults
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting.figures.style import LITERAL
from study.reporting.pictures import affinity, pairs, pictures, trimaps
from study.reporting.pictures.pairs import NOWHERE, Differing
from trainables.data import Dataset
from trainables.data.preview import shown
from trainables.metrics import boundary
from trainables.metrics.catalog import TOLERANCES_PX
from trainables.training.restore import Seen

IMAGES = 4
JUDGED_BY_PX = 3


@dataclass(frozen=True)
class Chosen:
    """The images to draw, as rows of the test list, and the networks to draw them with."""

    trials: Sequence[TrialRecord]
    worst: list[int]
    """Lowest boundary F first, mean over classes and networks."""
    pair: Sequence[TrialRecord] = ()
    """The baseline and the best other cell, one seed each; none without a comparison."""
    differing: Differing = NOWHERE
    """Where the pair differs most."""
    scores: Mapping[int, Tensor] = field(default_factory=dict)
    """By trial, float (N): boundary F by image; NaN for one without contours."""

    @property
    def rows(self) -> list[int]:
        """All chosen images, each once, the worst first."""
        return list(dict.fromkeys([*self.worst, *self.differing.gains, *self.differing.losses]))


def choose(folder: StudyFolder, results: StudyResults, trials: Sequence[TrialRecord]) -> Chosen:
    """Choose images by boundary F at 3 px; no image if none was measured.

    Args:
        trials: those with a network; of a comparison, the first complete seed of each cell, the
            baseline's first.
    """
    scores = scores_of(folder, trials)
    if not scores:
        return Chosen(trials, [])
    mean_N = torch.stack(list(scores.values())).mean(dim=0).nan_to_num(2.0)  # last: no contours
    worst = mean_N.argsort(stable=True)[:IMAGES].tolist()
    pair = _pair(results, [trial for trial in trials if trial.number in scores])
    if len(pair) < 2:
        return Chosen(trials, worst)
    first, second = (scores[trial.number] for trial in pair)
    return Chosen(trials, worst, pair, pairs.differing(first, second), scores)


def scores_of(folder: StudyFolder, trials: Sequence[TrialRecord]) -> dict[int, Tensor]:
    """By trial, float64 (N): boundary F of each test image, mean over its classes."""
    place = TOLERANCES_PX.index(JUDGED_BY_PX)
    found = {}
    for number, counts in read_counts(folder, trials, "test").by_trial.items():
        f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, place])
        found[number] = f_NK.nanmean(dim=1)
    return found


def _pair(results: StudyResults, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The shown trials of the baseline and of the best other cell by the objective."""
    comparison = results.comparison
    if comparison is None:
        return []
    shown = {trial.cell: trial for trial in trials}
    pair = best_pair(comparison.tables[0], shown)
    return [shown[cell] for cell in pair] if len(pair) == 2 else []


def trained_affinity(trials: Sequence[TrialRecord]) -> bool:
    """Whether a trial has Affinity Regression in its loss, so that its figure is worth drawing."""
    return any(float(trial.config.get("loss/ar", 0)) > 0 for trial in trials)


def draw(chosen: Chosen, seen: Sequence[Seen], dataset: Dataset, folder: Path) -> None:
    """Draw the gallery: all pictures or, if that fails, none.

    Args:
        seen: of each of ``chosen.trials``, the predictions for ``chosen.rows``.
        folder: of the pictures; it must not exist.
    """
    images = dataset.splits["test"]
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for place, row in enumerate(chosen.worst, start=1):
        views = [(network.name, network.predicted[chosen.rows.index(row)]) for network in seen]
        image_HWC, labels_HW = shown(images.images_NHWC[row]), images.labels_NHW[row]
        sheet = pictures.compared(dataset, image_HWC, labels_HW, views)
        sheet.save(draft / _named("worst", place, images.names[row]))
    _draw_pairs(chosen, seen, dataset, draft)
    trimaps.sheet(dataset, chosen.worst[0]).save(draft / trimaps.NAME)
    if trained_affinity(chosen.trials):
        maps = [(network.name, network.affinity) for network in seen]
        with matplotlib.rc_context(LITERAL):
            figure = affinity.figure(maps, images.names[chosen.worst[0]])
            figure.savefig(draft / "affinity.png", dpi=110, metadata={"Software": None})
    draft.replace(folder)


def _named(kind: str, place: int, image: str) -> str:
    return f"{kind}-{place}-{pictures.file_name(image)}.png"


def _draw_pairs(chosen: Chosen, seen: Sequence[Seen], dataset: Dataset, folder: Path) -> None:
    """Draw the images on which the pair differs most."""
    numbers = [trial.number for trial in chosen.trials]
    networks = [seen[numbers.index(trial.number)] for trial in chosen.pair]
    for kind, rows in zip(("gain", "loss"), chosen.differing, strict=True):
        for place, row in enumerate(rows, start=1):
            at = chosen.rows.index(row)
            views = [(network.name, network.predicted[at]) for network in networks]
            scores = [float(chosen.scores[trial.number][row]) for trial in chosen.pair]
            sheet = pairs.sheet(dataset, row, views, scores)
            sheet.save(folder / _named(kind, place, dataset.splits["test"].names[row]))
