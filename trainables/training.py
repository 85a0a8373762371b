"""One trial as plain torch: build, train an epoch, evaluate, save, load. No Ray, no files.

Shape letters: B images, H rows, W columns, N images of a list, P pictures.
"""

import io
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from trainables.config import TrialConfig
from trainables.data.batches import evaluation_batches, num_batches, training_batches
from trainables.data.dataset import Dataset
from trainables.losses.compose import (
    Learned,
    Prediction,
    Target,
    active_weights,
    combine,
    loss_terms,
    needs_boundary_head,
)
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.term import LossTerm
from trainables.metrics import per_image
from trainables.metrics.per_image import ImageCounts
from trainables.networks.batch_norm import make_global
from trainables.networks.segmentation import Segmenter, SegmenterOutput
from trainables.optimization import (
    AUTOCAST,
    Average,
    freeze_batch_norm,
    make_optimizer,
    rate_factor,
)

AUXILIARY = "auxiliary"
"""Name of the auxiliary heads' term beside the losses' own."""
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
        self.network = self._build(needs_boundary_head(config.loss))
        if self.network.auxiliary_weights:
            self.weights[AUXILIARY] = 1.0
        self.optimizer = make_optimizer(config.optim, self.network)
        self.steps = num_batches(len(dataset.splits["train"]), config.batch)
        self.groups = groups_of(self.steps, config.optim.accumulate)
        total_steps = len(self.groups) * config.epochs
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: rate_factor(config.optim, step, total_steps)
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.optim.precision == "fp16")
        self.average = Average(self.network, config.optim.ema) if config.optim.ema else None
        self.epoch = 0
        if config.optim.compile:
            self.network.compile()
        self.parallel: nn.Module = (
            DistributedDataParallel(self.network) if num_ranks() > 1 else self.network
        )

    def _build(self, boundary_head: bool) -> Segmenter:
        config = self.config
        network = Segmenter(config.model, self.dataset.num_classes, boundary_head)
        make_global(network)
        if config.model.freeze_batch_norm:
            freeze_batch_norm(network)
        layout = torch.channels_last if config.optim.channels_last else torch.preserve_format
        return network.to(self.device).to(memory_format=layout)

    def train_epoch(self) -> dict[str, float] | Diverged:
        """Pass once over the training images. Returns each loss term's mean over all ranks.

        Waits for the device once, at the end: a loss that was not finite is found then.
        """
        config = self.config
        self.epoch += 1
        self.parallel.train()
        if config.model.freeze_batch_norm:
            freeze_batch_norm(self.network)
        batches = training_batches(
            self.dataset.splits["train"], config.data, batch=config.batch, seed=config.seed,
            epoch=self.epoch, rank=rank(), ranks=num_ranks(),
        )  # fmt: skip
        history = []
        for size in self.groups:
            self.optimizer.zero_grad()
            for images_BCHW, labels_BHW in islice(batches, size):
                history.append(self._backward(images_BCHW, labels_BHW, size))
            self._step()
        return self._summary(torch.stack(history))

    def _backward(self, images_BCHW: Tensor, labels_BHW: Tensor, size: int) -> Tensor:
        """One of ``size`` batches of a step. Returns this rank's share of each term."""
        labels_BHW = labels_BHW.to(self.device, non_blocking=True)
        output = self._predict(self.parallel, images_BCHW)
        prediction = Prediction(output.logits_BKHW, output.boundary_logits_BHW)
        target = Target(labels_BHW, self.dataset.num_classes)
        terms = loss_terms(self.config.loss, prediction, target, self.learned)
        if output.auxiliary_BKHW:
            terms[AUXILIARY] = self._auxiliary(output, labels_BHW)
        objective, shares = combine(terms, self.weights)
        self.scaler.scale(objective / size).backward()
        return torch.stack([shares[name].float() for name in self.weights])

    def _auxiliary(self, output: SegmenterOutput, labels_BHW: Tensor) -> LossTerm:
        """The auxiliary heads' cross-entropies, weighed as their papers do."""
        parts = [cross_entropy(logits, labels_BHW) for logits in output.auxiliary_BKHW]
        weighed = zip(self.network.auxiliary_weights, parts, strict=True)
        total = torch.stack([weight * part.total for weight, part in weighed]).sum()
        return LossTerm(total, parts[0].count)

    def _predict(self, network: nn.Module, images_BCHW: Tensor) -> SegmenterOutput:
        """Run the network in its precision; what it says comes back as fp32."""
        optim = self.config.optim
        images_BCHW = images_BCHW.to(self.device, non_blocking=True)
        if optim.channels_last:
            images_BCHW = images_BCHW.contiguous(memory_format=torch.channels_last)
        lower = AUTOCAST[optim.precision]
        with torch.autocast(self.device.type, lower, enabled=lower is not None):
            output: SegmenterOutput = network(images_BCHW)
        boundary_BHW = output.boundary_logits_BHW
        return SegmenterOutput(
            output.logits_BKHW.float(),
            None if boundary_BHW is None else boundary_BHW.float(),
            tuple(logits.float() for logits in output.auxiliary_BKHW),
        )

    def _step(self) -> None:
        clip_norm = self.config.optim.clip_norm
        if clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        if self.average is not None:
            self.average.update(self.network)

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
        network = self.network if self.average is None else self.average.network
        network.eval()
        table = per_image.empty(len(images), self.dataset.num_classes, self.device)
        predictions_PHW = torch.zeros(
            (min(PICTURES, len(images)), *images.labels_NHW.shape[1:]), dtype=torch.int64,
            device=self.device,
        )  # fmt: skip
        for rows, images_BCHW, labels_BHW in evaluation_batches(
            images, batch=self.config.batch, rank=rank(), ranks=num_ranks()
        ):
            predicted_BHW = self._predict(network, images_BCHW).logits_BKHW.argmax(dim=1)
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
            "scaler": self.scaler.state_dict(),
        }
        if self.average is not None:
            state["average"] = self.average.network.state_dict()
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
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.network.load_state_dict(state["average"])


def _to_device(learned: Learned, device: torch.device) -> Learned:
    moved = [part.to(device) if isinstance(part, nn.Module) else part for part in learned]
    return Learned(*moved)


def groups_of(batches: int, size: int) -> list[int]:
    """How many batches each step of an epoch has; the last step takes what is left."""
    return [min(size, batches - start) for start in range(0, batches, size)]
