"""Weights between tasks that change during training, equal on all ranks (``task/weighting``).

Shape letters: T tasks.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainables.config.tasks import TaskConfig, TaskName
from trainables.losses.task_factors import (
    dwa_factors,
    uncertainty_factors,
    uncertainty_penalty,
)
from trainables.training.ranks import num_ranks, sum_over_ranks


class TaskWeighting:
    """Factors of the tasks' fixed weights: 1, learnt, or from the losses of the last two epochs."""

    def __init__(
        self,
        config: TaskConfig,
        fixed: Mapping[TaskName, float],
        names: Mapping[TaskName, str],
        device: torch.device,
    ) -> None:
        """``fixed``: by task, its weight as configured; ``names``: of the loss that judges it."""
        self.tasks, self._temperature = tuple(fixed), config.dwa_temperature
        self._fixed, self._names, self._kind = fixed, names, config.weighting
        self._losses_ET: list[list[float]] = []
        """Of ``dwa``: each task's mean loss in the last two epochs."""
        zeros_T = torch.zeros(len(self.tasks), device=device)
        self.log_variance_T = nn.Parameter(zeros_T) if self._kind == "uncertainty" else None
        """Learnt by the network's optimiser, at the heads' rate and without weight decay."""

    def factors(self) -> Mapping[TaskName, float | Tensor]:
        """By task, the factor of its weight now; none where the weights are fixed."""
        if self.log_variance_T is not None:
            factors_T = uncertainty_factors(self.log_variance_T, self.tasks)
            return dict(zip(self.tasks, factors_T, strict=True))
        if self._kind == "dwa":
            return dict(zip(self.tasks, self._by_losses(), strict=True))
        return {}

    def _by_losses(self) -> list[float]:
        """All 1 in the first two epochs."""
        if len(self._losses_ET) < 2:
            return [1.0] * len(self.tasks)
        before_T, last_T = self._losses_ET
        return dwa_factors(before_T, last_T, self._temperature)

    def penalty(self) -> Tensor | None:
        """What the objective has beside the losses, the same on every rank; None: nothing."""
        return None if self.log_variance_T is None else uncertainty_penalty(self.log_variance_T)

    def average_gradient(self) -> None:
        """The mean over ranks, as the network's gradients are. All ranks must make this call."""
        if self.log_variance_T is not None and self.log_variance_T.grad is not None:
            sum_over_ranks(self.log_variance_T.grad).div_(num_ranks())

    def end_epoch(self, means: Mapping[str, float]) -> dict[str, float]:
        """Note an epoch's mean losses, by ``train/NAME``. Returns the weights that it ended with,
        by ``task_weight/TASK``; none where they are fixed."""
        found = {
            f"task_weight/{task}": self._fixed[task] * float(torch.as_tensor(factor).detach())
            for task, factor in self.factors().items()
        }
        if self._kind == "dwa":
            losses_T = [means[f"train/{self._names[task]}"] for task in self.tasks]
            self._losses_ET = [*self._losses_ET[-1:], losses_T]
        return found

    def state(self) -> Tensor | None:
        """What a checkpoint holds: float64, (T,) log variances, or (E,T) losses; None: nothing."""
        if self.log_variance_T is not None:
            return self.log_variance_T.detach().double().cpu()
        if self._kind == "dwa":
            return torch.tensor(self._losses_ET, dtype=torch.float64)
        return None

    @torch.no_grad()
    def load(self, state: Tensor) -> None:
        """Continue from ``state``."""
        if self.log_variance_T is not None:
            self.log_variance_T.copy_(state)
        else:
            self._losses_ET = state.tolist()
