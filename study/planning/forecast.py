"""Forecasts how long a study will take, from a few timed batches of each kind of its trials."""

import math
import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

from search_spaces import Space
from study.analysis.measured_epoch import both_count
from study.analysis.training_budget import total_epochs
from study.ledger.design import Ablation
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning import gpu_defaults, runs
from study.planning.pace import others, pace
from trainables import plugin
from trainables.config import TrialConfig, from_flat
from trainables.data import Dataset
from trainables.lane.error_kind import kind_of
from trainables.lane.failures import FailureKind
from trainables.losses.compose import active_weights
from trainables.plugin_file import place_in
from trainables.stages import registry
from trainables.training import process_settings

START_S = 6.0
"""Ray's start, and Tune's."""
LANE_START_S = 22.0
"""Ray Train's start of a worker group on a laptop, until its first epoch begins (docs/log.md)."""
TRIAL_S = 2.0
"""Of each trial beside its epochs: network, checkpoints, pictures (docs/log.md)."""
NEXT_PHASE_S = 8.0
"""Between a search and what it chooses for: one lane stays warm, the others start again."""
STEP_S = {"inverse_net": 0.011, "edge_net": 0.004}
"""A step of a stage's training on one core: the mean over tiles of 8 to 32 px (docs/log.md)."""
SEGFIX_PIXEL_S = {"fpn": 6.6e-6, "hrnet_w18": 2.5e-5, "hrnet_w48": 7.2e-5}
"""A pixel of a crop in a step of SegFix's training on one core (docs/log.md)."""
TEST_START_S = 5.0
"""The first measurement on the test list: its workers import torch."""
END_S = 10.0
"""Gallery, report, model and MLflow."""
BUSY = 1.3
"""Trials that use all cores of a machine slow each other, the driver and MLflow's thread."""
BUSY_TIMED = 1.1
"""The same where the batches were timed beside other processes, which had slowed them already."""
_MOST_KINDS = 12
"""Kinds of trials that are timed; a batch of a large network takes seconds on a CPU."""


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


def forecast(plan: Plan, space: Space, dataset: Dataset, left: int, shared: int = 0) -> Forecast:
    """The forecast for the ``left`` trials of a plan, with the stages that the storage lacks;
    ``shared`` of their epochs are those of other trials.

    There is none if this machine lacks the memory for it: those that run the trials may have it.

    Raises:
        ValueError: a trial's first step raises an error, as it would in every such trial.
    """
    kinds = trial_kinds(plan, space)
    try:
        configs = [gpu_defaults.on_cpu(kind.config, plan) for kind in kinds]
        paces = [pace(config, dataset, int(plan.cpus_per_worker)) for config in configs]
    except ValueError:
        raise
    except Exception as error:
        raised = f"its first step raised {described(error)}"
        if kind_of(error) != FailureKind.MEMORY:
            raise ValueError(f"a trial cannot run: {raised}") from error
        return Forecast(math.nan, math.nan, 0, f"none: {raised}")
    trials = sum(kind.trials for kind in kinds)
    weighed = [(kind.trials / trials, each) for kind, each in zip(kinds, paces, strict=True)]
    epoch_s = sum(share * each.epoch_s(dataset) for share, each in weighed)
    image_s = sum(share * each.image_s for share, each in weighed)
    test_s = image_s * len(dataset.splits["test"])
    lacking, expected = stages_to_train(plan, space, dataset.digest, left)
    return Forecast(epoch_s, study_seconds(plan, epoch_s, test_s, expected, left, shared), lacking)


def described(error: Exception) -> str:
    """An error with its type, and with the line of the plug-in where it was raised there."""
    plain = f"{type(error).__name__}: {' '.join(str(error).split())}"
    message = process_settings.explained(error) or plain
    file = plugin.installed()
    place = place_in(file, error) if file else ""
    return f"{message} (--with {place})" if place else message


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
        each = design.search_trials + len(design.units)
        of_first_seed = runs.grid_runs(plan)[: len(design.cells)]
        yield from (Kind(from_flat(run.config), each) for run in of_first_seed)
        return
    searched, confirming = runs.slowest(plan, space), len(design.confirm)
    yield Kind(searched, design.trials + confirming)
    if confirming:
        yield Kind(plan.config, confirming)


def stages_to_train(plan: Plan, space: Space, digest: str, left: int) -> tuple[int, float]:
    """How many stages are trained at most, and the seconds of all lanes that these are expected
    to take.

    A search draws which stages it needs: with few trials it misses some.
    """
    needed, folder = runs.needed_stages(plan, space), StudyFolder.of(plan).stages
    seconds = []
    for kind, config in needed:
        name = f"{kind}-{registry.stage_key(kind, config, digest)}"
        if registry.stage_file(name, folder).record() is None:
            # Lanes train those of losses side by side, and all wait for one that a test trains.
            at_once = 1 if registry.in_loss(name) else plan.lanes
            seconds.append(at_once * stage_seconds(kind, config))
    most = min(len(seconds), left)
    if isinstance(plan.design, Ablation) or not seconds:
        return most, sum(seconds[:most])
    drawn = min(left, plan.design.trials)
    return most, sum(seconds) * (1 - (1 - 1 / len(needed)) ** drawn)


def stage_seconds(kind: str, config: TrialConfig) -> float:
    """Seconds of the training of a stage on one core."""
    match kind:
        case "inverse_net":
            return STEP_S[kind] * config.inverse_net.steps
        case "edge_net":
            return STEP_S[kind] * config.edge_net.steps
        case _:
            segfix = config.segfix
            pixels = segfix.batch * segfix.crop**2
            return SEGFIX_PIXEL_S[segfix.network] * pixels * segfix.steps


def study_seconds(
    plan: Plan, epoch_s: float, test_s: float, stages_s: float, left: int, shared: int = 0
) -> float:
    """Seconds from the plan to the last line, if no trial is pruned.

    Args:
        epoch_s: one epoch with its validation, on one rank.
        test_s: one measurement of the whole test list.
        stages_s: all trainings of stages; lanes train them side by side.
        left: trials to run.
        shared: epochs of these that are not run, since another trial's are the same.
    """
    if left == 0:
        return END_S
    design, ranks = plan.design, plan.lanes * plan.workers
    full = ranks * plan.cpus_per_worker >= (os.cpu_count() or 1)
    busy = (BUSY_TIMED if others() else BUSY) if full else 1.0
    phases = bool(design.search_trials or getattr(design, "confirm", ()))
    return (
        START_S
        + LANE_START_S
        + phases * NEXT_PHASE_S
        + busy * stages_s / plan.lanes
        + left * TRIAL_S / plan.lanes
        + busy * (left * total_epochs(plan) / plan.trials - shared) * epoch_s / ranks
        + TEST_START_S
        + busy * min(left * (1 + both_count(plan)), _tests(plan)) * test_s / ranks
        + END_S
    )


def _tests(plan: Plan) -> int:
    """How many networks are measured on the test list."""
    design = plan.design
    if isinstance(design, Ablation):
        trials = len(design.cells) * len(design.units)
    else:
        trials = 1 + plan.trials - design.trials
    return trials * (1 + both_count(plan))
