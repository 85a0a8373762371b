"""The sections of a report that show plots and pictures."""

from collections.abc import Mapping
from pathlib import Path

from study.analysis.networks import inspected
from study.analysis.results import StudyResults
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Block, Parts, Picture, Prose, Section
from study.reporting.pictures.epochs import NAME

_CAPTIONS = {
    "differences": (
        "Differences",
        "Cells against the baseline, paired by seed: small points are "
        "seeds, lines the intervals of the tables.",
    ),
    "learning_curves": ("Learning curves", "By epoch, on the validation list."),
    "training": (
        "Losses and learning rate",
        "By epoch. The training loss is the sum of a trial's own terms, so that its height does "
        "not compare losses; the validation loss is the cross-entropy, whatever was trained with.",
    ),
    "parallel": (
        "Parallel coordinates",
        "A line per trial that ran all epochs, brighter with a higher objective; the best is "
        "thick. A line is interrupted at a parameter that its trial does not have.",
    ),
    "contour": (
        "Two parameters",
        "The objective, linear between the trials (dots) that ran all epochs, over the most "
        "important numeric parameters, or the first two where importance is unknown; the star is "
        "the best trial.",
    ),
    "confusion": (
        "Confusion of classes",
        "Rows are true classes; a comparison shows the baseline and the best other cell, each over "
        "all its seeds. A grey row has no pixel.",
    ),
    "slices": (
        "Slices",
        "The objective, by each searched parameter; the star is the best trial, grey ones "
        "were pruned.",
    ),
    "trade_off": (
        "Area and boundary",
        "Trials that ran all epochs, and the Pareto front of the two metrics.",
    ),
    "efficiency": (
        "Quality and cost",
        "mIoU over the operations and the parameters of each network (InverseForm, Figure 5); both "
        "axes of cost are logarithmic.",
    ),
    "trimap": (
        "Around edges",
        "mIoU inside and outside a band around true edges, by its width (SEMEDA, Figure 5).",
    ),
}


_PER_CELL = ("learning_curves", "training", "trade_off", "efficiency", "trimap")


def sections(plots: Mapping[str, Path], per_cell: str) -> Parts:
    """A section for each plot; ``per_cell`` is added to captions of plots that show cells."""
    parts: Parts = []
    for name, path in plots.items():
        title, caption = _CAPTIONS[name]
        more = per_cell if name in _PER_CELL else ""
        parts.append(Section(title, [Picture(path, caption + more)]))
    return parts


def epochs(results: StudyResults, folder: StudyFolder) -> Parts:
    """How the networks learned that a report looks into, by their pictures."""
    pictures: list[Block] = []
    for name, trials in inspected(results).items():
        drawn = [(t, folder.pictures(t.number) / NAME) for t in trials]
        for trial, path in [(trial, path) for trial, path in drawn if path.exists()][:1]:
            pictures.append(Picture(path, f"{name}, seed {trial.config['seed']}"))
    if not pictures:
        return []
    text = (
        f"The first images of the {results.record.data.list_name('val')} as they are segmented "
        "after some epochs; of a comparison, the baseline and the best other cell."
    )
    return [Section("Images by epoch", [Prose(text), *pictures])]


def test_images(study: StudyFolder) -> Parts:
    """The pictures of test images, which are drawn when a study ends."""
    folder = study.test_pictures
    worst = sorted(folder.glob("worst-*.png"))
    parts: Parts = []
    if worst:
        text = (
            "Test images with the lowest boundary F at 3 px, mean over the networks shown: green "
            "boundaries were found within 1 px, blue ones missed, red ones invented. A cell is "
            "shown by its first complete seed."
        )
        pictures: list[Block] = [Picture(path, path.stem.split("-", 2)[2]) for path in worst]
        parts.append(Section("Worst images", [Prose(text), *pictures]))
    affinity = folder / "affinity.png"
    if affinity.exists():
        caption = (
            "Which places belong to the same class, by the labels and by each network's class "
            "probabilities (Affinity Regression, Figure 4)."
        )
        parts.append(Section("Affinity", [Picture(affinity, caption)]))
    return parts
