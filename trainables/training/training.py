"""One trial as plain torch: build, train an epoch, evaluate, save, load. No Ray, no files.

Shape letters: B images, H rows, W columns, N images of a list, P pictures.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from trainables.config import TrialConfig, require
from trainables.config.evaluation import Split
from trainables.data.batch import Batch
from trainables.data.batches import Epoch, num_batches, require_crops
from trainables.data.clips import require_clips
from trainables.data.dataset import Dataset, ImageList
from trainables.data.given_frames import shown
from trainables.data.lists import EXTRA
from trainables.data.loader import Loaders
from trainables.losses.batch import Learned, on_device
from trainables.networks.segmentation import Segmenter
from trainables.optim.schedules import rate_factor
from trainables.refinement.refine import Refine
from trainables.training import process_settings
from trainables.training.build import network_of
from trainables.training.compiled import compile_in_place
from trainables.training.epoch_summary import Diverged, points, summary
from trainables.training.evaluation import Evaluation
from trainables.training.forward import forward
from trainables.training.iterations import Iterations
from trainables.training.network_evaluation import evaluate_network, scores_of
from trainables.training.objective import Objective, Weights
from trainables.training.optimization import (
    freeze_batch_norm,
    groups_of,
    make_average,
    make_optimizer,
)
from trainables.training.ranks import joined_over_ranks, num_ranks, places, rank, sum_over_ranks
from trainables.training.state import TrainingState, pack, unpack
from trainables.training.waiting import Waiting


class Training:
    """The state of one trial on this rank. Every rank makes the same calls in the same order."""

    def __init__(
        self,
        config: TrialConfig,
        dataset: Dataset,
        learned: Learned,
        device: torch.device,
        loaders: Loaders | None = None,
    ) -> None:
        """``loaders``: what a lane reuses for its next trials; None: nothing."""
        ranks = num_ranks()
        require(config.batch >= ranks, "batch", f"at least the {ranks} ranks", config.batch)
        self.config, self.device = config, device
        self.dataset = dataset.for_fold(config.data.fold).for_inputs(config.data.input_names)
        require_crops(self.dataset.splits["train"], config.data)
        require_clips(self.dataset.splits, config.data)
        process_settings.use(config.optim, device, training=True)
        torch.manual_seed(config.seed)
        self.network = network_of(config, self.dataset, device)
        given = self.dataset.num_classes, on_device(learned, device), device
        self.objective = Objective(config, self.network, *given)
        learnt = self.objective.weighting.log_variance_T
        self.optimizer = make_optimizer(config.optim, self.network, learnt)
        numbers = range(1, config.epochs + 1)
        self.batches = [num_batches(len(self._images(epoch)), config.batch) for epoch in numbers]
        """Of every epoch."""
        self.total_steps = sum(len(self._groups(epoch)) for epoch in numbers)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: rate_factor(config.optim, step, self.total_steps)
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=config.optim.precision == "fp16")
        self.average = make_average(config.optim, self.network)
        self.loader = (loaders or Loaders(device)).of(self.dataset, config.data, config.batch)
        self.wait_share = 0.0
        """Of the last trained epoch, on this rank: see ``Waiting``."""
        self.epoch = 0
        self.iterations = Iterations(at=[], terms={})
        """Loss terms of the last trained epoch, batch by batch, thinned."""
        if config.optim.compile:
            compile_in_place(self.network)
        unused = self.network.network.unused_parameters
        self.parallel = joined_over_ranks(self.network, unused)

    def train_epoch(self) -> dict[str, float] | Diverged:
        """Train on every image once. Returns each loss term's mean over all ranks; {} where
        ``optim/train`` is off.

        Synchronises with the device once, at the end: a loss that is not finite is found then.
        """
        config = self.config
        self.epoch += 1
        if not config.optim.train:
            return {}
        process_settings.use(config.optim, self.device, training=True)
        self.parallel.train()
        if config.model.freeze_batch_norm:
            freeze_batch_norm(self.network)
        this = Epoch(config.batch, config.seed, self.epoch, rank(), num_ranks())
        waiting = Waiting(self.device)
        made = self.loader.training(self._images(self.epoch), config.data, this)
        batches = waiting.timed(made)
        history: list[Tensor] = []
        computed: list[set[str]] = []
        for size in self._groups(self.epoch):
            self.optimizer.zero_grad()
            for batch in islice(batches, size):
                # Of each batch anew: a backward frees the graph from which learnt weights are made.
                weights = self.objective.weights(self.progress)
                computed.append(set(weights))
                at = places(len(history), config.batch, len(batch.labels_BHW))
                self.network.dropout.draw(config.seed, self.epoch, at)
                history.append(self._backward(batch, size, weights))
            self._step()
        self.wait_share = waiting.share()
        whole = sum_over_ranks(torch.stack(history)).cpu()
        names = self.objective.names
        self.iterations = points(whole, names, computed, self.epoch, self.batches)
        means = summary(whole, names, self.epoch)
        if isinstance(means, Diverged):
            return means
        return means | self.objective.weighting.end_epoch(means)

    def _images(self, epoch: int) -> ImageList:
        """Those that an epoch trains on, counted from 1: the further list, if any, comes first."""
        return self.dataset.splits[EXTRA if epoch <= self.config.data.extra_epochs else "train"]

    def _groups(self, epoch: int) -> list[int]:
        """How many batches each step of an epoch has."""
        return groups_of(self.batches[epoch - 1], self.config.optim.accumulate)

    def _backward(self, batch: Batch, size: int, weights: Weights) -> Tensor:
        """One of ``size`` batches of a step. Returns this rank's share of each term."""
        images_NCHW, known, judged = shown(batch.to(self.device), self.config.data.clip)
        output = forward(self.parallel, images_NCHW, self.config.optim, self.device, known=known)
        terms = self.objective.terms(output, judged, weights)
        objective, row = self.objective.joined(terms, weights, output)
        self.scaler.scale(objective / size).backward()
        return row

    @property
    def progress(self) -> float:
        """The completed fraction of the optimiser steps."""
        return float(self.schedule.last_epoch) / self.total_steps

    def _step(self) -> None:
        self.objective.weighting.average_gradient()
        clip_norm = self.config.optim.clip_norm
        if clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.network)

    def _evaluated(self) -> Segmenter:
        """The network to evaluate, the average if there is one, in evaluation mode like torch."""
        process_settings.use(self.config.optim, self.device, training=False)
        network = self.network if self.average is None else self.average.module
        assert isinstance(network, Segmenter)
        return network.eval()

    def evaluate(
        self, split: Split = "val", *, with_terms: bool = False, refine: Refine | None = None
    ) -> Evaluation:
        """The metrics of a list, predicted as ``eval/*`` says and refined, and its loss terms,
        which are of the network alone, on request. All ranks must make this call."""
        names = self.objective.measured if with_terms else []
        given = self._evaluated(), self.config, self.dataset.splits[split], split, self.device
        further = self.loader.evaluation, self.objective.measure, names, refine
        return evaluate_network(*given, *further)

    def scores(
        self, split: Split, rows: Sequence[int], refine: Refine | None = None
    ) -> Iterator[Tensor]:
        """Yield the logits, float (1,K,H,W), of single images as ``evaluate`` predicts them. For
        one rank."""
        images = self.dataset.splits[split]
        return scores_of(self._evaluated(), self.config, images, split, rows, self.device, refine)

    def save(self) -> bytes:
        """The state from which ``load`` resumes as if training had never stopped; after the last
        epoch, which no other follows, the network to evaluate alone."""
        if self.epoch >= self.config.epochs:
            return pack({"epoch": self.epoch, "network": self._evaluated().state_dict()})
        state: TrainingState = {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict()["last_epoch"],
            "scaler": self.scaler.state_dict(),
        }
        if self.average is not None:
            state["average"] = self.average.module.state_dict()
        weighting = self.objective.weighting.state()
        if weighting is not None:
            state["weighting"] = weighting
        return pack(state)

    def load(self, content: bytes) -> None:
        """Resume from ``save``. Order and augmentation follow from the epoch and need no state."""
        state = unpack(content, self.device)
        self.epoch = state["epoch"]
        if "optimizer" not in state:
            self._evaluated().load_state_dict(state["network"])
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.last_epoch = state["schedule"]
        self.scaler.load_state_dict(state["scaler"])
        if "weighting" in state:
            self.objective.weighting.load(state["weighting"])
        if self.average is not None:
            self.average.module.load_state_dict(state["average"])
