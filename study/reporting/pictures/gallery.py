"""Test images on which a study did worst, as each of its networks sees them, and affinities.

Made once, when the study ends, and kept beside the ledger: a report needs no network. Shapes:
C colours, H rows, W columns, P pictures, L places.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import ray
import torch
from matplotlib.figure import Figure

from study.ledger import study_folder
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord, TrialRecord
from study.reporting.pictures import pictures
from trainables.data import Dataset
from trainables.metrics import boundary, counts_file
from trainables.metrics.catalog import TOLERANCES_PX
from trainables.training.checkpoint import Checkpoint
from trainables.training.restore import Seen, look

IMAGES = 4
_NETWORKS = 7
"""Networks shown beside each other: more are no longer looked at."""
_JUDGED_BY_PX = 3


def shown(record: StudyRecord) -> list[TrialRecord]:
    """Whose networks are looked at: a search's winners, of a grid the first whole seed of each
    cell, the baseline first."""
    if "grid" not in record.plan:
        return [trial for trial in record.front() if trial.state == "complete"][:_NETWORKS]
    first: dict[str, TrialRecord] = {}
    whole = record.compared().in_state("complete")
    for trial in sorted(whole, key=lambda trial: trial.seed):
        first.setdefault(trial.cell, trial)
    baseline = record.plan["grid"]["baseline"]
    return sorted(first.values(), key=lambda trial: trial.cell != baseline)[:_NETWORKS]


def worst_images(study: Path, trials: Sequence[TrialRecord]) -> list[int]:
    """Rows of the test list, worst first: least boundary F, mean over classes and networks."""
    place = TOLERANCES_PX.index(_JUDGED_BY_PX)
    scores = []
    for trial in trials:
        path = study_folder.counts_of(study, trial, "test")
        if path is not None:
            counts = counts_file.load(path)
            f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, place])
            scores.append(f_NK.nanmean(dim=1))
    if not scores:
        return []
    mean_N = torch.stack(scores).mean(dim=0).nan_to_num(2.0)  # no contour at all: nothing to see
    return mean_N.argsort(stable=True)[:IMAGES].tolist()


def make(
    found: Sequence[tuple[TrialRecord, Checkpoint]],
    rows: list[int],
    dataset: Dataset,
    shared: Any,
    folder: Path,
    plan: Plan,
) -> None:
    """Ask every network, and draw, all of it or nothing. ``shared`` is the dataset's reference in
    the store."""
    remote = ray.remote(num_cpus=plan.cpus_per_worker, num_gpus=plan.gpus_per_worker)(look)
    device = "cuda" if plan.gpus_per_worker else "cpu"
    waiting = [
        remote.remote(
            _name(trial),
            {**trial.config, "model/weights": "none"},
            kept.state(),
            shared,
            rows,
            device,
            plan.parts,
        )
        for trial, kept in found
    ]
    seen: list[Seen] = ray.get(waiting)
    images, whole = dataset.splits["test"], folder
    folder = whole.with_name(f"{whole.name}.draft")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for place, row in enumerate(rows):
        views = [(one.name, one.predicted_PHW[place]) for one in seen]
        sheet = pictures.compared(dataset, images.images_NHWC[row], images.labels_NHW[row], views)
        sheet.save(folder / f"worst-{place + 1}-{Path(images.names[row]).stem}.png")
    if any(float(trial.config.get("loss/ar", 0)) > 0 for trial, _ in found):
        figure = affinity_figure(seen, images.names[rows[0]])
        figure.savefig(folder / "affinity.png", dpi=110, metadata={"Software": None})
    folder.replace(whole)


def _name(trial: TrialRecord) -> str:
    return trial.cell or f"trial {trial.number}"


def affinity_figure(seen: Sequence[Seen], image: str) -> Figure:
    """Affinity Regression's Figure 4: who belongs with whom, by the labels and by each network."""
    maps = [("labels", seen[0].true_LL), *((one.name, one.predicted_LL) for one in seen)]
    columns = min(4, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(2.5 * columns + 0.7, 2.8 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    drawn: Any = None
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


def _each(panels: Any) -> Iterator[Any]:
    return iter(panels.ravel())
