"""Ray Train's side of a lane: one rank that obeys commands until it receives ``Close``."""

import gc
import traceback
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import ray.train
import torch
from ray.actor import ActorHandle
from ray.train.collective import broadcast_from_rank_zero
from ray.train.torch import get_device

from trainables.config import TrialConfig, Value, flatten, from_flat
from trainables.config.trial_id import weights_content
from trainables.config.watched import Watch, watched
from trainables.data import DataError, Dataset, load
from trainables.data.loader import Loaders
from trainables.data.worker_processes import WorkerLostError
from trainables.lane.error_kind import kind_of
from trainables.lane.failures import Failure, FailureKind
from trainables.lane.mailbox import (
    Close,
    Command,
    Diverged,
    Epoch,
    EpochResult,
    LaneSettings,
    Save,
    Saved,
    Start,
)
from trainables.lane.out_of_memory import explained
from trainables.lane.ray_private import NVML
from trainables.lane.usage import Reading, Usage
from trainables.plugin import install
from trainables.stages.registry import deciding_paths, make_learned, of_loss
from trainables.training import epoch_summary, process_settings
from trainables.training.evaluation import Evaluation, packed
from trainables.training.gpu_memory import keep_to_share
from trainables.training.gpu_need import Recipe
from trainables.training.gpu_use import gauge_of
from trainables.training.optimization import held_settings
from trainables.training.ranks import rank
from trainables.training.training import Training


def work(loop_config: dict[str, Any]) -> None:
    """Obey commands until the lane closes; Ray Train runs this on every rank."""
    mailbox, settings = loop_config["mailbox"], loop_config["settings"]
    context = ray.train.get_context()
    is_first, ranks = context.get_world_rank() == 0, context.get_world_size()
    torch.set_num_threads(max(int(settings.cpus_per_worker), 1))
    process_settings.fix_workspace()
    cv2.setNumThreads(0)  # of distance transforms: ranks share the cores
    # One generation for all ranks: only rank 0 opens it.
    generation = broadcast_from_rank_zero(_open(mailbox) if is_first else None)
    worker, number = Worker(settings, get_device()), 0
    gc.collect()
    gc.freeze()  # the imported modules stay: later collections need not scan them
    try:
        while (message := ray.get(mailbox.take.remote(generation, number))) is not None:
            number, command = message
            if isinstance(command, Close):
                worker.loaders.end()
                return
            answer = worker.answer(command, alone=ranks == 1)
            # Any rank may fail alone, and its failure is then the answer.
            if is_first or isinstance(answer, Failure):
                ray.get(mailbox.reply.remote(generation, number, answer))
            if isinstance(answer, Failure) and ranks > 1:
                # The other ranks may wait in a collective for this one: end the group.
                raise RuntimeError(answer.message)
    except ray.exceptions.RayActorError:
        return  # the mailbox dies with the trial that owned the lane


def _open(mailbox: ActorHandle) -> int:
    """Open a generation and return its number; 0, which no command has, if the lane is gone."""
    try:
        return int(ray.get(mailbox.open.remote()))
    except ray.exceptions.RayActorError:
        return 0


def is_peer_loss(error: Exception) -> bool:
    """Whether a collective failed because another rank is gone, or a process that reads images is.

    NCCL raises a type of its own; gloo raises a RuntimeError that names its source file.
    """
    if isinstance(error, WorkerLostError):
        return True
    gloo = isinstance(error, RuntimeError) and "gloo/transport" in str(error)
    return gloo or isinstance(error, torch.distributed.DistError)


def require_unchanged(weights: str, known: Mapping[str, str]) -> None:
    """Check that a file of initial weights is the one by which the study names its trials.

    Raises:
        DataError: it is gone, or has another content; trials after it could not be compared.
    """
    if weights in known and (now := weights_content(weights)) != known[weights]:
        found = now if now.startswith("sha256:") else "no file that can be read"
        raise DataError(
            f"initial weights: {weights} changed since the study began: it was {known[weights]}, "
            f"now it is {found}"
        )


class Worker:
    """One rank's part in the current trial."""

    def __init__(self, settings: LaneSettings, device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.training: Training | None = None
        self.evaluation: Evaluation | None = None
        self.watch = Watch()
        self.recipe: Recipe | None = None
        """Of the trial, from which it can be built again."""
        self.of_stages: dict[str, Value] = {}
        """The fields of the stages that the trial uses."""
        keep_to_share(device, settings.gpus_per_worker, settings.gpu_context_mib)
        self.usage = Usage(device, gauge_of(device, NVML))
        self.loaders = Loaders(device, int(settings.cpus_per_worker))

    def answer(self, command: Command[object], alone: bool) -> object:
        """Obey a command; answer with a ``Failure`` if the trial raised an error.

        Args:
            alone: the group has no other rank, so this one can free the failed trial's memory.
        """
        try:
            return self.obey(command)
        except Exception as error:
            if is_peer_loss(error):
                raise  # not the trial's fault: Ray Train starts a new group for the lane
            message = process_settings.explained(error) or str(error)
            failure = Failure(kind_of(error), message, traceback.format_exc())
        if alone:
            self.drop()
        if failure.kind == FailureKind.MEMORY and self.recipe is not None:
            return explained(failure, self.recipe, self.device, alone=alone)
        return failure

    def obey(self, command: Command[object]) -> object:
        if isinstance(command, Start):
            return self.start(command)
        assert self.training is not None, "a trial must be started first"
        if isinstance(command, Epoch):
            return self.run_epoch(self.training)
        assert isinstance(command, Save)
        return self.save(self.training)

    def start(self, command: Start) -> int:
        """Build the trial; return the epoch that it continues after."""
        self.drop()
        self.recipe = None
        settings = self.settings
        if settings.plugin is not None:
            install(settings.plugin)
        config = from_flat(command.config)
        require_unchanged(config.model.weights, settings.weights)
        require_unchanged(config.model.init, settings.weights)
        dataset = self.dataset(config)
        learned = make_learned(config, dataset, Path(settings.stages), settings.study)
        flat, paths = flatten(config), [p for kind in of_loss(config) for p in deciding_paths(kind)]
        self.of_stages = {path: flat[path] for path in paths}
        config, self.watch = watched(config)
        self.recipe = Recipe(config, dataset, learned)
        self.training = Training(config, dataset, learned, self.device, self.loaders)
        if command.checkpoint is not None:
            self.training.load(ray.get(command.checkpoint))
        return self.training.epoch

    def dataset(self, config: TrialConfig) -> Dataset:
        """The study's images from the object store; other images are decoded here."""
        # Augmentation runs per batch, so trials that differ in it share their images.
        requested, shared = config.data.unaugmented(), self.settings.data
        if shared is not None and shared.config.unaugmented() == requested:
            dataset: Dataset = ray.get(shared.reference)
            return dataset.for_fold(config.data.fold)
        return load(requested).for_fold(config.data.fold)

    def run_epoch(self, training: Training) -> EpochResult | Diverged:
        """Train one epoch and evaluate; metrics are over all ranks together."""
        begin = monotonic()
        trained = training.train_epoch()
        if isinstance(trained, epoch_summary.Diverged):
            return Diverged(str(trained))
        middle, held = monotonic(), self.held(training)
        with self.watch.paused():
            found = self.evaluation = training.evaluate(with_terms=True)
        return EpochResult(
            epoch=training.epoch,
            metrics={**found.metrics, **trained, **found.losses},
            train_s=middle - begin,
            evaluate_s=monotonic() - middle,
            system=self.usage.sample(Reading.of(training)),
            held=held,
            iterations=training.iterations,
        )

    def held(self, training: Training) -> dict[str, Value]:
        """What the trial's losses have read, its optimiser and torch hold while it trains, and its
        stages were made with."""
        optim = training.config.optim
        optimizer = held_settings(optim, training.optimizer)
        process = process_settings.held(optim, self.device)
        return {**self.of_stages, **self.watch.used, **optimizer, **process}

    def save(self, training: Training) -> Saved | None:
        """What a checkpoint holds; None on ranks other than 0."""
        if rank() > 0:
            return None
        assert self.evaluation is not None, "an epoch must be run first"
        names, found = training.dataset.splits["val"].names, self.evaluation
        return Saved(
            state=ray.put(training.save()),
            predictions=found.predictions,
            counts=packed(found, names),
            task_predictions=found.task_predictions,
        )

    def drop(self) -> None:
        """Free the trial's memory, and leave torch as the trial found it."""
        process_settings.reset()
        self.training = self.evaluation = None
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
