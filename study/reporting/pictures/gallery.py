"""The gallery: a study's worst test images as its networks segment them, and their affinities.

It is drawn once, when the study ends, and stored beside the ledger, so that a report needs no
network. Shape letters: C colours, H rows, W columns, P pictures, L places.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from study.analysis.image_counts import read_counts
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting.figures.style import LITERAL
from study.reporting.pictures import pictures
from trainables.data import Dataset
from trainables.metrics import boundary
from trainables.metrics.catalog import TOLERANCES_PX
from trainables.training.restore import Seen

IMAGES = 4
_JUDGED_BY_PX = 3


def worst_images(folder: StudyFolder, trials: Sequence[TrialRecord]) -> list[int]:
    """Rows of the test list, worst first: lowest boundary F, mean over classes and networks."""
    place = TOLERANCES_PX.index(_JUDGED_BY_PX)
    scores = []
    for counts in read_counts(folder, trials, "test").by_trial.values():
        f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, place])
        scores.append(f_NK.nanmean(dim=1))
    if not scores:
        return []
    mean_N = torch.stack(scores).mean(dim=0).nan_to_num(2.0)  # last: without contours
    return mean_N.argsort(stable=True)[:IMAGES].tolist()


def trained_affinity(trials: Sequence[TrialRecord]) -> bool:
    """Whether a trial has Affinity Regression in its loss, so that its figure is worth drawing."""
    return any(float(trial.config.get("loss/ar", 0)) > 0 for trial in trials)


def draw(
    seen: Sequence[Seen], rows: list[int], dataset: Dataset, folder: Path, *, affinity: bool
) -> None:
    """Draw the gallery: all pictures or, if that fails, none.

    Args:
        seen: each network's predictions for the pictures.
        rows: the pictures' rows in the test list.
        folder: of the pictures; it must not exist.
        affinity: whether to draw Affinity Regression's figure, too.
    """
    images = dataset.splits["test"]
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for place, row in enumerate(rows):
        views = [(network.name, network.predicted[place]) for network in seen]
        sheet = pictures.compared(dataset, images.images_NHWC[row], images.labels_NHW[row], views)
        sheet.save(draft / f"worst-{place + 1}-{pictures.file_name(images.names[row])}.png")
    if affinity:
        with matplotlib.rc_context(LITERAL):
            figure = affinity_figure(seen, images.names[rows[0]])
            figure.savefig(draft / "affinity.png", dpi=110, metadata={"Software": None})
    draft.replace(folder)


def affinity_figure(seen: Sequence[Seen], image: str) -> Figure:
    """Affinity Regression's Figure 4: which places share a class, by labels and by networks."""
    networks = [(network.name, network.predicted_LL) for network in seen]
    maps = [("labels", seen[0].true_LL), *networks]
    columns = min(4, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(2.5 * columns + 0.7, 2.8 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    hues = matplotlib.colormaps["viridis"].with_extremes(bad="#d5d9de")
    for axes, (name, map_LL) in zip(_each(panels), maps, strict=False):
        drawn = axes.imshow(map_LL, vmin=0, vmax=1, cmap=hues, interpolation="nearest")
        error = float(np.nanmean(np.square(map_LL - seen[0].true_LL)))
        axes.set_title(
            name if name == "labels" else f"{name}\nsquared error {error:.3f}", fontsize=9
        )
    for place, axes in enumerate(_each(panels)):
        axes.set(xticks=[], yticks=[])
        axes.set_visible(place < len(maps))
    figure.suptitle(
        f"Affinity of the 12x12 places of {image}, row by row; grey is void", fontsize=10
    )
    figure.colorbar(drawn, ax=panels, shrink=0.8, label="1: the same class")
    return figure


def _each(panels: NDArray[np.object_]) -> Iterator[Axes]:
    return iter(panels.ravel())
