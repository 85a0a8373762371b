"""Checks of how a plan's trials are trained and evaluated on images of differing sizes."""

from search_spaces import Space
from study.ledger.plan import Plan
from study.planning.runs import grid_runs, searched_dimensions
from trainables.config import TrialConfig, flatten, from_flat
from trainables.config.films import follows
from trainables.data import Dataset
from trainables.data.batches import require_crops
from trainables.data.clips import require_clips
from trainables.data.first_masks import require_first_masks

_CHECKPOINT = "eval/checkpoint"
_SHARED = {path for path in flatten(TrialConfig()) if path.startswith("eval/")} - {_CHECKPOINT}
_CROP = ("data/crop_height", "data/crop_width")


def check_evaluation(plan: Plan, space: Space) -> None:
    """Check that all trials are evaluated in the same way: a study compares their figures.

    Which epoch's network is evaluated is a decision of the training, which cells may differ in.

    Raises:
        ValueError: a cell or a search changes another field of ``eval``.
    """
    shared = flatten(plan.config)
    for run in grid_runs(plan):
        for path, value in run.config.items():
            if path in _SHARED and value != shared[path]:
                raise ValueError(
                    f"{path} must be the same in every cell, here {shared[path]!r}, got {value!r} "
                    f"in {run.cell!r}: make it a study of its own"
                )
            if shared["eval/both_checkpoints"] and path in run.params and path == _CHECKPOINT:
                raise ValueError(
                    f"eval/both_checkpoints must be false where cells differ in {path}, got true: "
                    f"{run.cell!r} is such a cell"
                )
    for dimension in searched_dimensions(plan, space):
        if dimension.path.startswith("eval/"):
            raise ValueError(
                f"{dimension.path} must be the same in every trial, got the search over "
                f"{dimension.bounds()}: make each value a study of its own"
            )


def check_sizes(plan: Plan, space: Space, dataset: Dataset) -> None:
    """Raise a DataError if a trial could not form batches of the training images."""
    searched = {d.path for d in searched_dimensions(plan, space)}.intersection(_CROP)
    runs = [from_flat(run.config) for run in grid_runs(plan)]
    for config in runs or [plan.config.changed(dict.fromkeys(searched, 1))]:
        require_crops(dataset.splits["train"], config.data)
        require_clips(dataset.splits, config.data)
        if follows(config.model):
            require_first_masks(dataset.splits, config.model.network)
