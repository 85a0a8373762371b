"""One trial as plain torch: build, train an epoch, evaluate, save, load. No Ray, no files.

Shape letters: B images, H rows, W columns, N images of a list, P pictures.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from trainables.config import OptimConfig, TrialConfig
from trainables.data.batches import evaluation_batches, num_batches, training_batches
from trainables.data.dataset import Dataset
from trainables.losses.compose import (
    Learned,
    Target,
    active_weights,
    combine,
    loss_terms,
    needs_boundary_head,
)
from trainables.metrics import per_image
from trainables.metrics.per_image import ImageCounts
from trainables.networks.batch_norm import make_global
from trainables.networks.segmentation import Segmenter

_POLY_POWER = 0.9
PICTURES = 4
"""Images of the validation list whose predictions are kept with a checkpoint."""


@dataclass(frozen=True)
class Diverged:
    """A loss that is no number any more, and the first step of the epoch at which it was not."""

    epoch: int
    step: int
    terms: dict[str, float | None]
    """The loss terms of that step; None for what is not finite."""

    def __str__(self) -> str:
        terms = ", ".join(f"{name} {value}" for name, value in self.terms.items())
        return f"the loss was not finite at epoch {self.epoch}, step {self.step}: {terms}"


@dataclass(frozen=True)
class Evaluation:
    """Metrics over a whole list, and the first few predictions for a person to look at."""

    metrics: dict[str, float]
    counts: ImageCounts
    predictions_PHW: NDArray[np.uint8]


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def num_ranks() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


class Training:
    """The state of one trial on this rank. Every rank makes the same calls in the same order."""

    def __init__(
        self, config: TrialConfig, dataset: Dataset, learned: Learned, device: torch.device
    ) -> None:
        if config.batch < num_ranks():
            raise ValueError(f"batch must be at least the {num_ranks()} ranks, got {config.batch}")
        self.config, self.dataset, self.device = config, dataset, device
        self.weights = active_weights(config.loss)
        self.learned = _to_device(learned, device)
        torch.manual_seed(config.seed)
        head = needs_boundary_head(config.loss)
        network = make_global(Segmenter(config.model, dataset.num_classes, head))
        self.network = network.to(device)
        self.optimizer = _optimizer(config.optim, self.network)
        self.steps = num_batches(len(dataset.splits["train"]), config.batch)
        total_steps = self.steps * config.epochs
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: max(1 - step / total_steps, 0.0) ** _POLY_POWER
        )
        self.epoch = 0
        self.parallel: nn.Module = (
            DistributedDataParallel(self.network) if num_ranks() > 1 else self.network
        )

    def train_epoch(self) -> dict[str, float] | Diverged:
        """Pass once over the training images. Returns each loss term's mean over all ranks.

        Waits for the device once, at the end: a loss that was not finite is found then.
        """
        config = self.config
        self.epoch += 1
        self.parallel.train()
        history = []
        for images_BCHW, labels_BHW in training_batches(
            self.dataset.splits["train"], config.data, batch=config.batch, seed=config.seed,
            epoch=self.epoch, rank=rank(), ranks=num_ranks(),
        ):  # fmt: skip
            history.append(self._step(images_BCHW.to(self.device), labels_BHW.to(self.device)))
        return self._summary(torch.stack(history))

    def _step(self, images_BCHW: Tensor, labels_BHW: Tensor) -> Tensor:
        """One optimiser step. Returns this rank's share of each term, in the weights' order."""
        target = Target(labels_BHW, self.dataset.num_classes)
        prediction = self.parallel(images_BCHW)
        terms = loss_terms(self.config.loss, prediction, target, self.learned)
        objective, shares = combine(terms, self.weights)
        self.optimizer.zero_grad()
        objective.backward()
        self.optimizer.step()
        self.schedule.step()
        return torch.stack([shares[name].float() for name in self.weights])

    def _summary(self, history_steps_terms: Tensor) -> dict[str, float] | Diverged:
        if dist.is_initialized():
            dist.all_reduce(history_steps_terms)
        history = history_steps_terms.cpu()
        finite = history.isfinite().all(dim=1)
        if not finite.all():
            step = int((~finite).nonzero()[0])
            values = zip(self.weights, history[step].tolist(), strict=True)
            terms = {name: value if np.isfinite(value) else None for name, value in values}
            return Diverged(self.epoch, step + 1, terms)
        means = dict(zip(self.weights, history.mean(dim=0).tolist(), strict=True))
        total = sum(self.weights[name] * mean for name, mean in means.items())
        return {"train/loss": total, **{f"train/{name}": mean for name, mean in means.items()}}

    @torch.no_grad()
    def evaluate(self, split: str = "val") -> Evaluation:
        """Metrics over every image of a list, each on one rank, each once."""
        images = self.dataset.splits[split]
        self.network.eval()
        table = per_image.empty(len(images), self.dataset.num_classes, self.device)
        predictions_PHW = torch.zeros(
            (min(PICTURES, len(images)), *images.labels_NHW.shape[1:]), dtype=torch.int64,
            device=self.device,
        )  # fmt: skip
        for rows, images_BCHW, labels_BHW in evaluation_batches(
            images, batch=self.config.batch, rank=rank(), ranks=num_ranks()
        ):
            predicted_BHW = self.network(images_BCHW.to(self.device)).logits_BKHW.argmax(dim=1)
            counts = per_image.count(
                predicted_BHW, labels_BHW.to(self.device), self.dataset.num_classes
            )
            for whole, part in zip(table, counts, strict=True):
                whole[torch.from_numpy(rows).to(self.device)] = part
            for row, predicted_HW in zip(rows, predicted_BHW, strict=True):
                if row < PICTURES:
                    predictions_PHW[row] = predicted_HW
        if dist.is_initialized():
            dist.all_reduce(predictions_PHW)
        counts = per_image.sum_over_ranks(table)
        return Evaluation(
            per_image.summarize(counts), counts, predictions_PHW.cpu().numpy().astype(np.uint8)
        )

    def save(self) -> bytes:
        """Everything that ``load`` needs to go on as if nothing had happened."""
        buffer = io.BytesIO()
        state = {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict()["last_epoch"],
        }
        torch.save(state, buffer)
        return buffer.getvalue()

    def load(self, content: bytes) -> None:
        """Continue from ``save``. Order and augmentation follow from the epoch: no state."""
        state: dict[str, Any] = torch.load(
            io.BytesIO(content), map_location=self.device, weights_only=True
        )
        self.epoch = state["epoch"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.last_epoch = state["schedule"]


def _to_device(learned: Learned, device: torch.device) -> Learned:
    moved = [part.to(device) if isinstance(part, nn.Module) else part for part in learned]
    return Learned(*moved)


def _optimizer(config: OptimConfig, network: nn.Module) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), config.lr, momentum=0.9, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(network.parameters(), config.lr, weight_decay=config.weight_decay)
