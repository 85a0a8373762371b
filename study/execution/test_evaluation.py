"""Evaluates checkpoints on the test list, on the cluster: for metrics and for the gallery."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import ray
import torch
from ray import ObjectRef

from study.ledger.plan import Plan
from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.config.pixels import Pixels
from trainables.plugin import Plugin
from trainables.proof import DamageError
from trainables.training.cost import NetworkCost, network_cost
from trainables.training.gpu_memory import keep_to_share
from trainables.training.refinement import Prepare, RefinementError, none
from trainables.training.restore import Measured, Seen, look, measure

_T = TypeVar("_T")
ReadState = Callable[[TrialRecord], bytes]
"""Returns a trial's training state after its measured epoch, or raises DamageError."""


@dataclass(frozen=True)
class ClusterEvaluation:
    """Runs networks with the resources of a lane's workers."""

    plan: Plan
    dataset: ObjectRef
    """The dataset in the object store."""
    prepare: Prepare = none
    """Makes the refinement of each network."""

    @property
    def _plugin(self) -> Plugin | None:
        plugin = self.plan.plugin
        return None if plugin is None else Plugin(plugin.name, plugin.text)

    @property
    def _resources(self) -> dict[str, float]:
        return {"num_cpus": self.plan.cpus_per_worker, "num_gpus": self.plan.gpus_per_worker}

    @property
    def _device(self) -> str:
        return "cuda" if self.plan.gpus_per_worker else "cpu"

    @property
    def _share(self) -> tuple[float, float]:
        """Of a GPU that a task has, as a lane's rank, and what it takes beside PyTorch's pool."""
        return self.plan.gpus_per_worker, self.plan.gpu_context_mib

    def measure(
        self, trials: Sequence[TrialRecord], read: ReadState
    ) -> Iterator[tuple[TrialRecord, Measured | DamageError | RefinementError]]:
        """Measure every network on the complete list; yields each as soon as it is done, or why
        its training state cannot be used, or its refinement not be made.

        A state is read when its task starts: only those of running tasks are in memory.
        """
        remote = ray.remote(**self._resources)(_in_share)
        left = list(reversed(trials))  # pop() then follows the given order
        running: dict[ObjectRef, TrialRecord] = {}
        while left or running:
            while left and len(running) < self.plan.lanes * self.plan.workers:
                trial = left.pop()
                try:
                    state = read(trial)
                except DamageError as error:
                    yield trial, error
                    continue
                task = remote.remote(
                    *self._share,
                    measure,
                    _without_weights(trial.config),
                    state,
                    self.dataset,
                    self._device,
                    self._plugin,
                    self.prepare,
                )
                running[task] = trial
            if running:
                done, _ = ray.wait(list(running))
                yield running.pop(done[0]), ray.get(done[0])

    def cost(
        self,
        trial: TrialRecord,
        num_classes: int,
        size: tuple[int, int],
        pixels: Pixels,
        num_parts: int = 0,
    ) -> NetworkCost:
        """Measure what a trial's network costs in use, with nothing else of this study running.

        Raises:
            RayError: it cannot be measured, for example because the image does not fit.
        """
        remote = ray.remote(**self._resources)(network_cost)
        given = (
            _without_weights(trial.config),
            num_classes,
            size,
            self._device,
            self._plugin,
            pixels,
        )
        task = remote.remote(*given, num_parts)
        cost: NetworkCost = ray.get(task)
        return cost

    def look(self, trials: Sequence[TrialRecord], read: ReadState, rows: list[int]) -> list[Seen]:
        """Run every network on a few images of the list; results are in the order of ``trials``.

        Raises:
            DamageError: a training state cannot be used.
        """
        remote = ray.remote(**self._resources)(_in_share)
        tasks = [
            remote.remote(
                *self._share,
                look,
                trial.cell or f"trial {trial.number}",
                # As its test: what the validation list has decided is decided.
                _without_weights(trial.decided_config),
                read(trial),
                self.dataset,
                rows,
                self._device,
                self._plugin,
                self.prepare,
            )
            for trial in trials
        ]
        seen: list[Seen] = ray.get(tasks)
        return seen


def _in_share(share: float, beside_mib: float, run: Callable[..., _T], *given: object) -> _T:
    """Run a measurement within a lane's share of a GPU: those beside it have theirs."""
    device = torch.device("cuda" if share else "cpu")
    keep_to_share(device, share, beside_mib)
    return run(*given)


def _without_weights(config: Mapping[str, Value]) -> dict[str, Value]:
    """A config without pretrained weights: the checkpoint has all weights."""
    return {**config, "model/weights": "none", "model/init": ""}
