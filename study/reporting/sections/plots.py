"""The sections of a report that show plots and pictures."""

from collections.abc import Mapping
from pathlib import Path

from study.analysis import refinements
from study.analysis.networks import inspected
from study.analysis.results import StudyResults
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Block, Parts, Picture, Prose, Section
from study.reporting.pictures import trimaps
from study.reporting.pictures.epochs import BOUNDARIES, NAME
from study.reporting.pictures.tasks import NAMES as TASK_PICTURES

_CAPTIONS = {
    "differences": (
        "Differences",
        "Cells against the baseline, run by run of the same seed (and fold): small points are "
        "pairs, lines the intervals of the tables.",
    ),
    "learning_curves": ("Learning curves", "By epoch, in validation."),
    "training": (
        "Losses and learning rate",
        "By epoch. The training loss is the sum of a trial's own terms, so that its height does "
        "not compare losses; the validation loss is the cross-entropy, whatever was trained with, "
        "where the networks segment.",
    ),
    "affinity_loss": (
        "Affinity Regression's loss",
        "By iteration, mean over a cell's seeds, with its regression line (Affinity Regression, "
        "Figure 3 and Table 2). Neighbouring iterations depend on each other: p is that of the "
        "effective number of points.",
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
        "all its runs. A grey row has no pixel.",
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


_WORST = "Test images with the lowest boundary F at 3 px, mean over the networks shown."
_PAIR = (
    "The baseline and the best other cell, on the test images whose boundary F at 3 px differs "
    "most between these two networks. Label maps lie on the image; pink marks holes: parts that a "
    "predicted region encloses, although they belong to its class."
)
_BOUNDARIES = "Green boundaries were found within 1 px, blue ones missed, red ones invented."
_SEED = "A cell is shown by its first complete run."
_AFFINITY = (
    "Which places belong to the same class, by the labels and by each network's class "
    "probabilities (Affinity Regression, Figure 4)."
)
_TRIMAP = (
    "The bands around true edges inside which the mIoU by distance is measured: red is inside, "
    "black outside, white void (SEMEDA, Figure 4)."
)
_TASK_IMAGES = 2
_PER_CELL = ("learning_curves", "training", "affinity_loss", "trade_off", "efficiency", "trimap")


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
    where = results.record.data.list_name("val")
    first = (
        f"The first images of the {where} as they are segmented after some epochs; of a "
        "comparison, the baseline and the best other cell."
    )
    if refinements.methods(results.record.plan):
        first += " They are of the networks alone, without refinement."
    then = (
        "The same images: predicted boundaries are red, true ones blue, and pink where they agree "
        "(Active Boundary Loss, Figure 4)."
    )
    return [
        *_by_epoch(results, folder, NAME, "Images by epoch", first),
        *_by_epoch(results, folder, BOUNDARIES, "Boundaries by epoch", then),
    ]


def _by_epoch(
    results: StudyResults, folder: StudyFolder, file: str, title: str, text: str
) -> Parts:
    pictures: list[Block] = []
    for name, trials in inspected(results).items():
        drawn = [(t, folder.pictures(t.number) / file) for t in trials]
        for trial, path in [(trial, path) for trial, path in drawn if path.exists()][:1]:
            pictures.append(Picture(path, f"{name}, seed {trial.config['seed']}"))
    return [Section(title, [Prose(text), *pictures])] if pictures else []


def tasks(results: StudyResults, folder: StudyFolder) -> Parts:
    """What the networks predict beside classes, by their pictures of the first images."""
    text = (
        f"Each task on the first images of the {results.record.data.list_name('val')}: the image, "
        "the truth and the prediction. Depth is dark where it is near; normals are red to the "
        "right, green upwards and blue to the viewer; grey is missing."
    )
    pictures: list[Block] = []
    for name, trials in inspected(results).items():
        drawn = ((t, sorted(folder.pictures(t.number).glob(TASK_PICTURES))) for t in trials)
        trial, paths = next(((t, paths) for t, paths in drawn if paths), (None, []))
        for path in paths[:_TASK_IMAGES]:
            assert trial is not None
            pictures.append(Picture(path, f"{name}, seed {trial.config['seed']}"))
    return [Section("Tasks", [Prose(text), *pictures])] if pictures else []


def test_images(study: StudyFolder) -> Parts:
    """The pictures of test images, which are drawn when a study ends."""
    folder = study.test_pictures
    return [
        *_numbered(folder, "worst", "Worst images", f"{_WORST} {_BOUNDARIES} {_SEED}"),
        *_numbered(
            folder, "gain", "Largest gains over the baseline", f"{_PAIR} {_BOUNDARIES} {_SEED}"
        ),
        *_numbered(
            folder, "loss", "Largest losses against the baseline", f"{_PAIR} {_BOUNDARIES} {_SEED}"
        ),
        *_single(folder / "affinity.png", "Affinity", _AFFINITY),
        *_single(folder / trimaps.NAME, "Trimaps", _TRIMAP),
    ]


def _numbered(folder: Path, kind: str, title: str, text: str) -> Parts:
    paths = sorted(folder.glob(f"{kind}-*.png"))
    pictures: list[Block] = [Picture(path, path.stem.split("-", 2)[2]) for path in paths]
    return [Section(title, [Prose(text), *pictures])] if paths else []


def _single(path: Path, title: str, caption: str) -> Parts:
    return [Section(title, [Picture(path, caption)])] if path.exists() else []
