"""Checks of a plan's trials on its images: sizes, evaluation and films."""

from collections import Counter
from collections.abc import Mapping

from search_spaces import Space
from study.ledger.plan import Plan
from study.planning.runs import grid_runs, searched_dimensions
from trainables.config import TrialConfig, flatten, from_flat, refused
from trainables.config.films import follows
from trainables.data import Dataset
from trainables.data.batches import require_crops
from trainables.data.clips import require_clips
from trainables.data.dataset import ImageList
from trainables.data.first_masks import require_first_masks
from trainables.metrics.catalog import METRICS

_CHECKPOINT = "eval/checkpoint"
_SHARED = {path for path in flatten(TrialConfig()) if path.startswith("eval/")} - {_CHECKPOINT}
_SHORTEST = 3
"""Frames of a film that has J and F, of all but the first and the last one."""
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
    """Raise a DataError if a trial could not form batches of the training images, or follow the
    films of its lists, which are those of its fold."""
    searched = {d.path for d in searched_dimensions(plan, space)}.intersection(_CROP)
    runs = [from_flat(run.config) for run in grid_runs(plan)]
    configs = runs or [plan.config.changed(dict.fromkeys(searched, 1))]
    for config in {(config.data, config.model): config for config in configs}.values():
        lists = dataset.for_fold(config.data.fold).splits
        require_crops(lists["train"], config.data)
        require_clips(lists, config.data)
        if follows(config.model):
            require_first_masks(lists, config.model.network)


def check_films(plan: Plan, dataset: Dataset) -> None:
    """Raise a ValueError for an objective of films on a list with no film that has one: the first
    and the last frame do not count."""
    of_films = [name for name in plan.objectives if METRICS[name].series == "film"]
    for lists in _lists(plan, dataset) if of_films else ():
        for split in ("val", "test"):
            longest = max(Counter(lists[split].series_numbers).values())
            if longest < _SHORTEST:
                needs = (
                    f"another metric, or films of {_SHORTEST} or more frames in {split} (longest"
                )
                raise refused("--objective", f"{needs}: {longest})", of_films[0])


def _lists(plan: Plan, dataset: Dataset) -> list[Mapping[str, ImageList]]:
    """Those of each fold; without folds, those of the study."""
    return [dataset.for_fold(fold + 1).splits for fold in range(max(plan.design.folds, 1))]
