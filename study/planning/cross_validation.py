"""`--folds K`: what goes with a k-fold cross-validation, and what is refused in one line."""

from search_spaces import Grid
from study.analysis import same_images
from study.analysis.folds import FEWEST, MOST
from study.analysis.protocol import comparisons
from study.analysis.statistics import fewest_seeds
from study.ledger.design import Ablation, Search
from study.ledger.plan import Correction
from study.planning.request import StudyRequest, correction_of
from trainables.config import TrialConfig, flatten, refused, require

_NOT_BESIDE = {
    "as_published": "published figures are of the paper's lists",
    "init": "its network may have been trained on images that a fold tests",
    "smallest": "'same' has no test over folds yet",
}
"""Options that do not go with ``--folds``, and why."""


def check(request: StudyRequest, grid: Grid | None, base: TrialConfig) -> None:
    """Raise a ValueError for an option that does not go with ``--folds``."""
    if not request.folds:
        return
    require(
        FEWEST <= request.folds <= MOST,
        "--folds",
        f"{FEWEST} .. {MOST}, for which the error of the verdict is known",
        request.folds,
    )
    if grid is None:
        raise ValueError(
            f"--folds goes with --grid or --factor: a search chooses on one validation list; "
            f"--set data/folds={request.folds} --set data/fold=1 searches on the lists of one fold"
        )
    for name, why in _NOT_BESIDE.items():
        if getattr(request, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} cannot be given with --folds: {why}")
    if base.model.init:
        raise ValueError(f"model/init cannot be given with --folds: {_NOT_BESIDE['init']}")
    for path in ("data/folds", "data/fold"):
        if path in request.set_values():
            raise ValueError(f"--set {path} cannot be given with --folds, which decides it")


def check_design(design: Search | Ablation, base: TrialConfig) -> None:
    """Raise a ValueError if something is chosen on images that a fold tests."""
    if not design.folds:
        return
    if design.search_trials:
        allowed = "0 with --folds: the searches of cells would choose on images that folds test"
        raise refused("--trials", allowed, design.search_trials)
    if design.looks:
        allowed = "a number with --folds: looks count seeds, not folds"
        raise refused("--seeds", allowed, design.looks)
    if base.data.holdout == 0 and (chosen := same_images.chosen(design, flatten(base))):
        allowed = f"-1 or >= 2 with --folds, since {' and '.join(chosen)} must not be chosen on"
        raise refused("data/holdout", f"{allowed} what is tested", 0)


def usual_seeds(request: StudyRequest, grid: Grid) -> int:
    """How many seeds an ablation has by default: the fewest that allow a verdict, which over folds
    is one."""
    return 1 if request.folds else fewest_seeds(max(comparisons(grid), 1), correction_of(request))


def correction(request: StudyRequest) -> Correction:
    """How p-values are corrected: over folds by Holm's method, which needs no joint distribution
    of a few dependent folds."""
    return "holm" if request.folds else correction_of(request)
