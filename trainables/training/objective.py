"""What a trial's steps reduce: its loss terms, their weights at each step, and one number of them.

Shape letters: B images, H rows, W columns.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from trainables.config import TrialConfig
from trainables.data.batch import Batch
from trainables.losses.batch import Learned, Target
from trainables.losses.compose import combine
from trainables.losses.term import LossTerm
from trainables.losses.trial_terms import (
    initial_term,
    judged_by,
    measured_of,
    names_of,
    own_term,
    task_weight,
    weighed_tasks,
    weights_of,
)
from trainables.networks.segmentation import Segmenter, SegmenterOutput
from trainables.training.auxiliary import AUXILIARY, auxiliary_loss
from trainables.training.batch_terms import batch_terms, idle, terms_of
from trainables.training.ranks import num_ranks
from trainables.training.task_weighting import TaskWeighting

Weights = Mapping[str, float | Tensor]


class Objective:
    """The losses of one trial on this rank. Every rank makes the same calls in the same order."""

    def __init__(
        self,
        config: TrialConfig,
        network: Segmenter,
        num_classes: int,
        learned: Learned,
        device: torch.device,
    ) -> None:
        self._config, self._num_classes, self._learned = config, num_classes, learned
        self._auxiliary = network.auxiliary_weights
        self.names = names_of(config)
        """Of every term of the training."""
        if self._auxiliary:
            self.names.append(AUXILIARY)
        tasks = weighed_tasks(config)
        fixed = {task: task_weight(config, task) for task in tasks}
        judges = {task: judged_by(config, task) for task in tasks}
        self.weighting = TaskWeighting(config.task, fixed, judges, device)

    @property
    def measured(self) -> list[str]:
        """The terms that validation measures."""
        return measured_of(self._config)

    def weights(self, progress: float) -> Weights:
        """By name, the weight of each term that is active at this point of the training."""
        weights: dict[str, float | Tensor] = {
            **weights_of(self._config, progress),
            AUXILIARY: self._config.task.semseg,
        }
        for task, factor in self.weighting.factors().items():
            further = (AUXILIARY,) if task == "semseg" else ()
            for name in (own_term(task), initial_term(task), *further):
                if name in weights:
                    weights[name] = factor * weights[name]
        return weights

    def terms(self, output: SegmenterOutput, batch: Batch, weights: Weights) -> dict[str, LossTerm]:
        """The loss terms of a batch on this rank."""
        names = [name for name in weights if name != AUXILIARY]
        given = self._config, names, output, self._target(batch), batch.targets, self._learned
        terms = batch_terms(*given)
        if output.auxiliary_BKHW:
            heads = output, self._auxiliary, batch.labels_BHW
            terms[AUXILIARY] = auxiliary_loss(*heads, self._config.loss)
        return terms

    def measure(self, output: SegmenterOutput, batch: Batch) -> dict[str, LossTerm]:
        """The terms of validation, of finite maps, without the other ranks."""
        given = output, self._target(batch), batch.targets, self._learned
        return terms_of(self._config, self.measured, *given)

    def _target(self, batch: Batch) -> Target:
        edges = batch.targets["edge"] if "edge" in self._config.task.names else None
        return Target(batch.labels_BHW, self._num_classes, edges)

    def joined(
        self, terms: Mapping[str, LossTerm], weights: Weights, output: SegmenterOutput
    ) -> tuple[Tensor, Tensor]:
        """This rank's objective, and its share of the loss and of each of ``names``, detached."""
        objective, shares = combine(terms, weights)
        if output.boundary_logits_BHW is not None:
            # A head whose terms are scheduled to start later still takes part in every backward.
            objective = objective + 0 * output.boundary_logits_BHW.sum()
        if output.tasks or output.initial:
            objective = objective + idle(output)
        loss = torch.stack([weights[name] * share for name, share in shares.items()]).sum()
        penalty = self.weighting.penalty()
        if penalty is not None:
            # Gradients are averaged over ranks, and shares summed.
            objective, loss = objective + penalty, loss + penalty / num_ranks()
        none = objective.new_zeros(())
        row = torch.stack([loss, *(shares.get(name, none) for name in self.names)])
        return objective, row.detach().float()
