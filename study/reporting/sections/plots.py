"""The sections of a report that show plots and pictures."""

from collections.abc import Mapping
from pathlib import Path

from study.ledger.study_folder import StudyFolder
from study.reporting.document import Block, Parts, Picture, Prose, Section

_CAPTIONS = {
    "differences": (
        "Differences",
        "Cells against the baseline, paired by seed: small points are "
        "seeds, lines the intervals of the tables.",
    ),
    "learning_curves": ("Learning curves", "By epoch, on the validation list."),
    "slices": (
        "Slices",
        "After the last epoch, by each searched parameter; the star is the best trial, grey ones "
        "were pruned.",
    ),
    "trade_off": (
        "Area and boundary",
        "Trials that ran all epochs, and the Pareto front of the two metrics.",
    ),
    "trimap": (
        "Around edges",
        "mIoU inside and outside a band around true edges, by its width (SEMEDA, Figure 5).",
    ),
}


def sections(plots: Mapping[str, Path], per_cell: str) -> Parts:
    """A section for each plot; ``per_cell`` is added to captions of plots that show cells."""
    parts: Parts = []
    for name, path in plots.items():
        title, caption = _CAPTIONS[name]
        more = "" if name in ("slices", "differences") else per_cell
        parts.append(Section(title, [Picture(path, caption + more)]))
    return parts


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
