"""Forecasts how long a study will take, from a few timed batches of each kind of its trials."""

import math
import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from time import monotonic

import torch

from search_spaces import Space
from study.ledger.plan import Ablation, Plan
from study.ledger.study_folder import StudyFolder
from study.planning import runs
from trainables.config import TrialConfig, from_flat
from trainables.data import Dataset, ImageList
from trainables.data.batches import num_batches
from trainables.losses.compose import active_weights
from trainables.stages import registry
from trainables.stages.threads import torch_threads
from trainables.training.training import Training

START_S = 6.0
"""Ray's start, and Tune's."""
LANE_START_S = 18.0
"""Ray Train's start of a worker group on a laptop (docs/log.md)."""
NEXT_PHASE_S = 8.0
"""Between a search and what it chooses for: one lane stays warm, the others start again."""
STAGE_S = 8.0
"""A stage on one core, 3 to 16 s by its network and tile (docs/log.md)."""
TEST_START_S = 5.0
"""The first measurement on the test list: its workers import torch."""
END_S = 10.0
"""Gallery, report, model and MLflow."""
BUSY = 1.2
"""Trials that use all cores of a machine slow each other, the driver and MLflow's thread."""
_TIMED_BATCHES = 3
_MOST_KINDS = 12
"""Kinds of trials that are timed; a batch of a large network takes seconds on a CPU."""


@dataclass(frozen=True)
class Pace:
    """How fast one kind of trial runs on one rank, in seconds."""

    train_s: float
    """An epoch of training."""
    image_s: float
    """The evaluation of one image."""

    def epoch_s(self, dataset: Dataset) -> float:
        return self.train_s + self.image_s * len(dataset.splits["val"])


@dataclass(frozen=True)
class Kind:
    """Trials that take equally long: the same losses and the same network."""

    config: TrialConfig
    trials: int


@dataclass(frozen=True)
class Forecast:
    """What is expected of the trials that are left."""

    epoch_s: float
    """Mean over all trials; NaN if a first step failed."""
    total_s: float
    stages: int
    """The most stages to train."""
    problem: str = ""
    """Why there is no forecast."""


def forecast(plan: Plan, space: Space, dataset: Dataset, left: int) -> Forecast:
    """The forecast for the ``left`` trials of a plan, with the stages that the storage lacks.

    Code that raises fails trials, not the plan: there is then no forecast.

    Raises:
        ValueError: a config or the data is at fault, which the user can fix.
    """
    kinds = trial_kinds(plan, space)
    try:
        paces = [pace(kind.config, dataset, int(plan.cpus_per_worker)) for kind in kinds]
    except ValueError:
        raise
    except Exception as error:
        message = (str(error).splitlines() or [""])[0]
        problem = f"none: its first step raised {type(error).__name__}: {message}"
        return Forecast(math.nan, math.nan, 0, problem)
    trials = sum(kind.trials for kind in kinds)
    weighed = [(kind.trials / trials, each) for kind, each in zip(kinds, paces, strict=True)]
    epoch_s = sum(share * each.epoch_s(dataset) for share, each in weighed)
    image_s = sum(share * each.image_s for share, each in weighed)
    test_s = image_s * len(dataset.splits["test"])
    lacking, expected = stages_to_train(plan, space, dataset.digest, left)
    return Forecast(epoch_s, study_seconds(plan, epoch_s, test_s, expected, left), lacking)


def trial_kinds(plan: Plan, space: Space) -> list[Kind]:
    """The plan's trials by kind, at most ``_MOST_KINDS``; the last one stands for the rest."""
    found: dict[Hashable, Kind] = {}
    for kind in _all_kinds(plan, space):
        config = kind.config
        key: Hashable = (*active_weights(config.loss), config.model, config.data, config.batch)
        if key not in found and len(found) == _MOST_KINDS:
            key = next(reversed(found))
        known = found.get(key)
        found[key] = replace(known or kind, trials=kind.trials + (known.trials if known else 0))
    return list(found.values())


def _all_kinds(plan: Plan, space: Space) -> Iterator[Kind]:
    design = plan.design
    if isinstance(design, Ablation):
        each = design.search_trials + len(design.seeds)
        of_first_seed = runs.grid_runs(plan)[: len(design.cells)]
        yield from (Kind(from_flat(run.config), each) for run in of_first_seed)
        return
    searched, confirming = runs.slowest(plan, space), len(design.confirm)
    yield Kind(searched, design.trials + confirming)
    if confirming:
        yield Kind(plan.config, confirming)


def stages_to_train(plan: Plan, space: Space, digest: str, left: int) -> tuple[int, float]:
    """How many stages are trained at most, and how many are expected.

    A search draws which stages it needs: with few trials it misses some.
    """
    needed, folder = runs.needed_stages(plan, space), StudyFolder.of(plan).stages
    names = [f"{kind}-{registry.stage_key(kind, config, digest)}" for kind, config in needed]
    lacking = [name for name in names if registry.stage_file(name, folder).record() is None]
    most = min(len(lacking), left)
    if isinstance(plan.design, Ablation) or not needed:
        return most, most
    drawn = min(left, plan.design.trials)
    return most, len(lacking) * (1 - (1 - 1 / len(needed)) ** drawn)


def pace(config: TrialConfig, dataset: Dataset, threads: int) -> Pace:
    """The pace on this CPU with as many threads as a rank has, from a few batches.

    The call is also the first check that the model can be built and accepts these images.
    """
    few = {
        "train": _first(dataset.splits["train"], _TIMED_BATCHES * config.batch),
        "val": _first(dataset.splits["val"], config.batch),
    }
    learned = registry.untrained(config, dataset.num_classes)
    with torch_threads(threads):  # torch would use every core, a rank has only its own
        training = Training(config, replace(dataset, splits=few), learned, torch.device("cpu"))
        begin = monotonic()
        training.train_epoch()
        middle = monotonic()
        training.evaluate("val")
        end = monotonic()
    batches = num_batches(len(dataset.splits["train"]), config.batch) / training.steps
    return Pace((middle - begin) * batches, (end - middle) / len(few["val"]))


def _first(images: ImageList, count: int) -> ImageList:
    return replace(
        images,
        images_NHWC=images.images_NHWC[:count],
        labels_NHW=images.labels_NHW[:count],
        names=images.names[:count],
        spacing_mm=None if images.spacing_mm is None else images.spacing_mm[:count],
    )


def study_seconds(plan: Plan, epoch_s: float, test_s: float, stages: float, left: int) -> float:
    """Seconds from the plan to the last line, if no trial is pruned.

    Args:
        epoch_s: one epoch with its validation, on one rank.
        test_s: one measurement of the whole test list.
        stages: how many are trained; lanes train them side by side.
        left: trials to run.
    """
    if left == 0:
        return END_S
    design, ranks = plan.design, plan.lanes * plan.workers
    busy = BUSY if ranks * plan.cpus_per_worker >= (os.cpu_count() or 1) else 1.0
    phases = bool(design.search_trials or getattr(design, "confirm", ()))
    return (
        START_S
        + LANE_START_S
        + phases * NEXT_PHASE_S
        + busy * stages * STAGE_S / plan.lanes
        + busy * left * plan.epochs * epoch_s / ranks
        + TEST_START_S
        + busy * min(left, _tests(plan)) * test_s / ranks
        + END_S
    )


def _tests(plan: Plan) -> int:
    """How many networks are measured on the test list."""
    design = plan.design
    if isinstance(design, Ablation):
        return len(design.cells) * len(design.seeds)
    return 1 + plan.trials - design.trials
