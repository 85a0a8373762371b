"""How much disk the checkpoints of a study need (``study/execution/checkpoints.py`` keeps them)."""

import shutil
from dataclasses import dataclass, replace
from functools import lru_cache

from search_spaces import Space
from study.analysis.measured_epoch import best_counts, both_count
from study.ledger.design import CONFIRMED, Ablation
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.dependent_runs import DependentRuns
from study.planning.runs import grid_runs, searched_dimensions, slowest
from trainables.config import ModelConfig, TrialConfig, from_flat
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import NetworkTasks
from trainables.data import Dataset
from trainables.losses.compose import needs_boundary_head
from trainables.networks.segmentation import Segmenter
from trainables.optim.optimizers import stored_per_weight

_PER_LANE = 3
"""Checkpoints of a running trial: two, and the next one while it is being written; the best one is
a fourth, where it will be tested."""
_PER_CELL = 2
"""Networks that stay of each cell: of its best run, and of the one that the gallery shows."""


@dataclass(frozen=True)
class CheckpointBytes:
    """The sizes of a trial's checkpoints, in bytes."""

    running: int
    """With everything that a resume needs."""
    ended: int
    """The network alone, or what a resume needs of the best epoch."""
    beside: int
    """The same of the network that is tested beside it; 0 without one."""


@dataclass(frozen=True)
class DiskNeed:
    """What the checkpoints of a study take, in bytes."""

    most: int
    """At any time, in addition to what is there already."""
    kept: int
    """When the study has ended."""
    free: int
    """Of the storage's disk now."""

    def __str__(self) -> str:
        return (
            f"checkpoints take up to {size(self.most)}, and {size(self.kept)} when the study has "
            f"ended; {size(self.free)} are free"
        )


def need_of(plan: Plan, space: Space, dataset: Dataset, left: int) -> DiskNeed:
    """The need of a plan on this dataset; see ``disk_need``."""
    given = dataset.num_classes, left, dataset.pixels, len(dataset.parts)
    return disk_need(plan, space, *given)


def disk_need(
    plan: Plan,
    space: Space,
    num_classes: int,
    left: int,
    pixels: Pixels = RGB,
    num_parts: int = 0,
) -> DiskNeed:
    """The need of a plan of which ``left`` trials have not ended."""
    given = num_classes, pixels, num_parts
    sizes = [checkpoint_bytes(config, *given) for config in configs(plan, space)]
    running, ended = max(each.running for each in sizes), max(each.ended for each in sizes)
    beside = max(each.beside for each in sizes)
    untested, stay = _networks(plan)
    lanes = min(plan.lanes, left)
    # The model is one more copy of the best network.
    per_lane = _PER_LANE + (best_counts(plan) or both_count(plan))
    # A seed's checkpoints stay until all its cells have begun; the next seeds may have started.
    units = min(lanes + 1, max(len(plan.design.units), 1))
    kept = DependentRuns(plan, StudyRecord()).most_kept() * units
    most = (lanes * per_lane + kept) * running + min(untested, left) * (ended + beside) + ended
    used = sum(path.stat().st_size for path in StudyFolder.of(plan).tune.glob("*/*/*/state.pt"))
    return DiskNeed(max(most - used, 0), (stay + 1) * ended, shutil.disk_usage(plan.storage).free)


def _networks(plan: Plan) -> tuple[int, int]:
    """How many networks a plan's ended trials keep: at most, and when the study has ended."""
    design = plan.design
    if isinstance(design, Ablation):
        runs = len(design.cells) * len(design.units)
        return runs, min(_PER_CELL * len(design.cells), runs)
    if len(plan.objectives) > 1:
        return plan.trials, plan.trials
    confirming = len(CONFIRMED) * len(design.confirm)
    return 1 + confirming, 1 + min(len(CONFIRMED), confirming)


def checkpoint_bytes(
    config: TrialConfig, num_classes: int, pixels: Pixels = RGB, num_parts: int = 0
) -> CheckpointBytes:
    """The sizes for one config, without the few bytes that the files add."""
    bare = replace(config.model, weights="none", init="")
    head = needs_boundary_head(config.loss)
    tasks = config.task.of_network(num_classes, num_parts)
    seen = pixels.seen(config.data.input_names)
    network, learned = _network_bytes(bare, num_classes, head, seen, tasks)
    optimizer = round(stored_per_weight(config.optim) * learned)
    average = network if config.optim.ema else 0
    running = network + optimizer + average
    sizes = {"last": network, "best": running}
    ended = sizes.pop(config.eval.checkpoint)
    (beside,) = sizes.values()
    return CheckpointBytes(running, ended, beside if config.eval.both_checkpoints else 0)


@lru_cache(maxsize=16)
def _network_bytes(
    model: ModelConfig,
    num_classes: int,
    boundary_head: bool,
    pixels: Pixels,
    tasks: NetworkTasks | None,
) -> tuple[int, int]:
    """The bytes of a network with its statistics, and those of its weights alone."""
    network = Segmenter(model, num_classes, boundary_head, pixels, tasks)
    whole = sum(tensor.nbytes for tensor in network.state_dict().values())
    return whole, sum(weight.nbytes for weight in network.parameters())


def configs(plan: Plan, space: Space) -> list[TrialConfig]:
    """Configs with every network of the plan: an ablation's runs, or what a search may draw."""
    base = slowest(plan, space)
    chosen = [
        base.changed({dimension.path: value})
        for dimension in searched_dimensions(plan, space)
        if dimension.path.startswith("model/")
        for value in getattr(dimension.distribution, "choices", ())
    ]
    return [base, *chosen, *(from_flat(run.config) for run in grid_runs(plan))]


def size(count: int) -> str:
    """Bytes in MB or GB, rounded."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.1f} MB"
