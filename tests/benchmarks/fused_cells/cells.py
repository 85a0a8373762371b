"""K trainings of one network and seed, which differ in their losses alone, as one.

Each batch is decoded and augmented once. The cells' weights are stacked, and one ``vmap`` over them
makes every convolution one with as many groups as cells; batch norms and optimiser states stay
apart, since they are stacked too.

Shape letters: A cells, B images, K classes, H rows, W columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from trainables.config import TrialConfig, Value
from trainables.data import Dataset
from trainables.data.batch import Batch
from trainables.data.batches import training_batches
from trainables.losses.batch import Learned
from trainables.losses.compose import combine
from trainables.networks.segmentation import SegmenterOutput
from trainables.optim.optimizers import OPTIMIZERS
from trainables.optim.schedules import rate_factor
from trainables.training.optimization import AUTOCAST
from trainables.training.training import Training

Changes = Mapping[str, Value]
CELLS: Mapping[str, Changes] = {
    "cross-entropy": {},
    "+ ABL": {"loss/w_a": 1.0},
    "+ Lovasz": {"loss/lovasz": 1.0},
    "+ boundary loss": {"loss/bl": 0.01},
    "+ Dice": {"loss/gdl": 1.0},
    "+ FKL": {"loss/fkl": 0.1},
    "+ AR": {"loss/ar": 0.1},
    "+ Lovasz, ABL": {"loss/lovasz": 1.0, "loss/w_a": 1.0},
}
_ALIKE = ("data", "model", "optim", "batch", "epochs", "seed")


class FusedCells:
    """Trains like one ``Training`` for each config, without a boundary head, accumulation, clipping
    or an average of weights."""

    def __init__(
        self, configs: Sequence[TrialConfig], dataset: Dataset, device: torch.device
    ) -> None:
        first = configs[0]
        if any(getattr(c, name) != getattr(first, name) for c in configs for name in _ALIKE):
            raise ValueError(f"configs must agree in {', '.join(_ALIKE)}")
        self.config, self.device = first, device
        self.cells = [Training(config, dataset, Learned(), device) for config in configs]
        self.network = self.cells[0].network
        self.weights, self.buffers = stack_module_state([cell.network for cell in self.cells])
        groups: list[dict[str, object]] = [
            {"params": list(self.weights.values()), "lr": first.optim.lr}
        ]
        self.optimizer = OPTIMIZERS[first.optim.optimizer](groups, first.optim)
        total = self.cells[0].total_steps
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: rate_factor(first.optim, step, total)
        )
        self.epoch = 0

    def train_epoch(self) -> Tensor:
        """Train every cell on every image once. Returns the losses (steps, A)."""
        self.epoch += 1
        self.network.train()
        history = []
        for number, batch in enumerate(batches(self.cells[0], self.epoch)):
            images = len(batch.labels_BHW)
            at = range(number * images, (number + 1) * images)
            self.network.dropout.draw(self.config.seed, self.epoch, at)
            history.append(self.step(batch.to(self.device)))
        return torch.stack(history).cpu()

    def step(self, batch: Batch) -> Tensor:
        """One step of every cell on its own loss. Returns the losses (A,)."""
        self.optimizer.zero_grad()
        losses = []
        for cell, logits_BKHW in zip(self.cells, self.logits(batch.images_BCHW), strict=True):
            weights = cell.objective.weights(self.schedule.last_epoch / cell.total_steps)
            terms = cell.objective.terms(SegmenterOutput(logits_BKHW, None), batch, weights)
            losses.append(combine(terms, weights)[0])
        losses_A = torch.stack(losses)
        losses_A.sum().backward()  # no cell's loss depends on another's weights
        self.optimizer.step()
        self.schedule.step()
        return losses_A.detach()

    def logits(self, images_BCHW: Tensor) -> Tensor:
        """fp32 (A,B,K,H,W)."""

        def of_one(weights: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
            output = functional_call(self.network, (weights, buffers), (images_BCHW,))
            logits_BKHW: Tensor = output.logits_BKHW
            return logits_BKHW

        lower = AUTOCAST[self.config.optim.precision]
        with torch.autocast(self.device.type, lower, enabled=lower is not None):
            logits_ABKHW: Tensor = vmap(of_one)(self.weights, self.buffers)
        return logits_ABKHW.float()


def batches(training: Training, epoch: int) -> Iterator[Batch]:
    """An epoch's batches, as this training sees them."""
    config = training.config
    every = training_batches(
        training.dataset.splits["train"],
        config.data,
        batch=config.batch,
        seed=config.seed,
        epoch=epoch,
        rank=0,
        ranks=1,
        pixels=training.dataset.pixels,
    )
    return islice(every, training.batches[epoch - 1])


def configs(
    cells: Sequence[str], steps: int, epochs: int, changes: Changes, batch: int = 8
) -> list[TrialConfig]:
    """One for each cell, with epochs of so many steps."""
    alike = {
        "data/train_images": batch * steps,
        "data/val_images": 2,
        "data/test_images": 1,
        "batch": batch,
        "epochs": epochs,
        **changes,
    }
    return [TrialConfig().changed({**alike, **CELLS[cell]}) for cell in cells]
