"""A study's winning loss as a module for any training: ``Loss.from_study("NAME")``.

Shape letters: B images, K classes, H rows, W columns.
"""

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from trainables import saved
from trainables.config import LossConfig, refused, require
from trainables.losses.batch import Learned, Prediction, Target, on_device
from trainables.losses.compose import (
    TERMS,
    active_weights,
    combine,
    ever_active,
    loss_terms,
    needs_boundary_head,
    needs_edge_net,
    needs_inverse_net,
    schedules_of,
)
from trainables.losses.inputs import full_precision
from trainables.losses.term import LossTerm
from trainables.stages.copies import learned_from

_STUDIES = "runs"


class Loss(nn.Module):
    """The weighted sum of loss terms that a study's trial trained with.

    It equals the trial's training loss on the same batch, but for the auxiliary heads that some
    networks have in training (``model/auxiliary``): their cross-entropy belongs to the network.
    It has no parameters and an empty state; networks inside the loss follow the logits' device.

    A loss whose weights change over training (``loss/schedule``) needs to know how far it is: set
    ``loss.epoch`` at the beginning of every epoch.
    """

    def __init__(
        self,
        config: LossConfig,
        num_classes: int,
        learned: Learned | None = None,
        *,
        epochs: float = 1,
    ) -> None:
        """Weigh the terms of a config.

        Args:
            config: weights, settings and schedules.
            num_classes: K of the logits.
            learned: the frozen networks inside the loss, if it has any.
            epochs: of the whole training, over which schedules run.

        Raises:
            ValueError: no term has a weight, or a network inside the loss is not given.
        """
        super().__init__()
        learned = learned or Learned()
        require(bool(ever_active(config)), "config", "a loss with a weight above 0", config)
        lacks_net = needs_inverse_net(config) and learned.inverse_net is None
        lacks_net = lacks_net or (needs_edge_net(config) and learned.edge_net is None)
        require(not lacks_net, "learned", "the networks inside the loss", learned)
        self.config, self.num_classes = config, num_classes
        # A tuple, so that these frozen networks are neither parameters nor part of a checkpoint.
        self._learned = learned
        self._device = torch.device("cpu")
        self._epoch: float | None = None
        self.epochs = epochs

    @classmethod
    def from_study(
        cls,
        name: str,
        *,
        storage: Path | str = _STUDIES,
        epochs: float | None = None,
        trust: bool = False,
    ) -> "Loss":
        """The loss of a study's winner, from the folder that the study saved at its end.

        Args:
            name: of the study.
            storage: the folder of studies.
            epochs: of your training, over which schedules run; None: as many as the study's.
            trust: execute the plug-in that the study was run with; read it first.

        Raises:
            ValueError: one line: there is no such folder, or a file of it is missing or damaged.
        """
        folder = Path(storage).expanduser() / name / "model"
        if not folder.is_dir():
            raise ValueError(
                f"{folder}: missing: no study {name!r} in this storage has ended and saved a model"
            )
        return cls.from_model(folder, epochs=epochs, trust=trust)

    @classmethod
    def from_model(
        cls, folder: Path | str, *, epochs: float | None = None, trust: bool = False
    ) -> "Loss":
        """The loss that the network in this folder was trained with; see ``from_study``."""
        folder = Path(folder).expanduser()
        found = saved.describe(folder, trust)
        tasks = found.config.task
        only = "semseg, for a loss of logits and labels alone"
        require(tasks.only_segments, "task/tasks of the study", only, tasks.tasks)
        learned = learned_from(found.config, found.stages, folder)
        run = found.config.epochs if epochs is None else epochs
        return cls(found.config.loss, len(found.classes), learned, epochs=run)

    @property
    def epoch(self) -> float | None:
        """How many epochs of the training are done, from 0; None before it is set."""
        return self._epoch

    @epoch.setter
    def epoch(self, done: float) -> None:
        allowed = f"0 .. {self.epochs:g}, the epochs of the training (epochs=...)"
        require(0 <= done <= self.epochs, "epoch", allowed, done)
        self._epoch = float(done)

    @property
    def epochs(self) -> float:
        """Of the whole training."""
        return self._epochs

    @epochs.setter
    def epochs(self, whole: float) -> None:
        require(0 < whole < float("inf"), "epochs", "a finite number > 0", whole)
        self._epochs = whole

    @property
    def needs_boundary_logits(self) -> bool:
        """Whether the loss reads a boundary head."""
        return needs_boundary_head(self.config)

    @property
    def changes(self) -> bool:
        """Whether the weights change over the training."""
        rules = schedules_of(self.config)
        return any(TERMS[name].rule in rules for name in TERMS if TERMS[name].weight(self.config))

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        boundary_logits: Tensor | None = None,
        *,
        progress: float | None = None,
    ) -> Tensor:
        """The loss of a batch, a scalar.

        In training mode with several processes (``torch.distributed``), pixels are counted over
        all of them, so that DistributedDataParallel's average of gradients is the gradient of the
        whole batch; every process must call it. In evaluation mode each counts alone.

        Args:
            logits: (B,K,H,W) before the softmax, at the labels' size.
            labels: (B,H,W) whole numbers, 0..K-1, and 255 for void.
            boundary_logits: (B,H,W) or (B,1,H,W) of a boundary head, before the sigmoid; ignored
                by a loss that reads none.
            progress: the completed fraction of the training, instead of ``epoch``.

        Raises:
            ValueError: one line that names the argument.
        """
        boundary = self._checked(logits, labels, boundary_logits)
        done = self._progress(progress)
        with torch.autocast(logits.device.type, enabled=False):
            prediction = Prediction(full_precision(logits), boundary)
            target = Target(labels.long(), self.num_classes)
            learned = self._learned_on(logits.device)
            terms = loss_terms(self.config, prediction, target, learned, progress=done)
            weights = active_weights(self.config, done)
            alone = dist.is_initialized() and not self.training
            value = _alone(terms, weights) if alone and terms else combine(terms, weights)[0]
            # A head whose terms start later still takes part in every backward.
            return value if boundary is None else value + 0 * boundary.sum()

    def _checked(
        self, logits: Tensor, labels: Tensor, boundary_logits: Tensor | None
    ) -> Tensor | None:
        """The boundary logits that the loss reads; None if it reads none."""
        shape = tuple(logits.shape)
        classes = logits.dim() == 4 and shape[1] == self.num_classes
        require(classes, "logits", f"(B,{self.num_classes},H,W): K is the study's", shape)
        whole = not (
            labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool
        )
        require(whole, "labels", "whole numbers", labels.dtype)
        if not self.needs_boundary_logits:
            return None
        if boundary_logits is None:
            readers = [name for name in ever_active(self.config) if TERMS[name].head(self.config)]
            allowed = f"the (B,H,W) logits of a boundary head, which {', '.join(readers)} reads"
            raise refused("boundary_logits", allowed, None)
        if boundary_logits.dim() == 4 and boundary_logits.shape[1] == 1:
            boundary_logits = boundary_logits.squeeze(1)
        return full_precision(boundary_logits)

    def _progress(self, given: float | None) -> float:
        if given is not None:
            return given
        if self._epoch is not None:
            return min(self._epoch / self.epochs, 1.0)
        if self.changes:
            allowed = "set before each epoch (loss.epoch = 0, 1, ..): weights change over training"
            raise refused("epoch", allowed, None)
        return 0.0

    def _learned_on(self, device: torch.device) -> Learned:
        if device != self._device:
            # Copies: replicas of this module on other devices share the originals.
            self._learned, self._device = on_device(copy.deepcopy(self._learned), device), device
        return self._learned

    def extra_repr(self) -> str:
        """The terms with their weights, and what the loss needs."""
        weights = {name: TERMS[name].weight(self.config) for name in ever_active(self.config)}
        words = [f"{name} {weight:.4g}" for name, weight in weights.items()]
        words += [f"over {self.epochs:g} epochs"] if self.changes else []
        words += ["reads a boundary head"] if self.needs_boundary_logits else []
        return f"{', '.join(words)}; {self.num_classes} classes"


def _alone(terms: Mapping[str, LossTerm], weights: Mapping[str, float]) -> Tensor:
    """The weighted sum over this process's images."""
    return torch.stack([weights[name] * term.value() for name, term in terms.items()]).sum()
