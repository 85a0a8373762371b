"""Learned parts that are trained before the trials: made once for their content, shared by all.

A stage's file is named by what decides its content: the data and the config fields it reads. It is
made by the first rank of the first trial that needs it, while whoever else needs it waits; a file
that is damaged, or that was made from other data or another config, is made again.
"""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from torch import nn

from trainables.config import LossConfig, TrialConfig, flatten
from trainables.data.dataset import Dataset
from trainables.losses.compose import needs_edge_net, needs_inverse_net
from trainables.losses.terms import Learned
from trainables.stages.edge_net import training as edge_training
from trainables.stages.files import SavedStage, StageFile, StageRecord
from trainables.stages.inverse_net import training as inverse_training
from trainables.stages.inverse_net.tile_pairs import check_tile, require_boundary
from trainables.stages.result import ReportProgress, TrainedStage
from trainables.stages.threads import torch_threads

_VERSION = 4
_DATA = ("data/height", "data/width", "data/train_images")


class Kind(NamedTuple):
    """One sort of learned part."""

    needed: Callable[[LossConfig], bool]
    paths: tuple[str, ...]
    """The config fields that decide what is learned, beside the data; ``part/*`` is all of it."""
    build: Callable[[TrialConfig, int], nn.Module]
    """From the config and the number of classes."""
    train: Callable[[TrialConfig, Dataset, ReportProgress], TrainedStage]


KINDS: dict[str, Kind] = {
    "inverse_net": Kind(
        needs_inverse_net,
        ("loss/tile", "loss/distance", "loss/boundary", "loss/variant", "inverse_net/*"),
        lambda config, num_classes: inverse_training.build(config),
        inverse_training.train,
    ),
    "edge_net": Kind(needs_edge_net, ("edge_net/*",), edge_training.build, edge_training.train),
}
"""Named as the fields of ``Learned``."""


def needed(config: TrialConfig) -> list[str]:
    """The kinds that the trial's loss looks through."""
    return [name for name, kind in KINDS.items() if kind.needed(config.loss)]


def deciding_paths(kind: str) -> list[str]:
    """The config fields that decide what a stage of this kind learns."""
    whole = tuple(path[:-1] for path in KINDS[kind].paths if path.endswith("/*"))
    return [
        path
        for path in flatten(TrialConfig())
        if path in KINDS[kind].paths or (whole and path.startswith(whole))
    ]


def check(kind: str, config: TrialConfig, dataset: Dataset) -> None:
    """Raise a ValueError if a stage of this kind cannot be trained on this data."""
    require_boundary(dataset)
    if kind == "inverse_net":
        check_tile(config.loss.tile, dataset.size)


def stage_key(kind: str, config: TrialConfig, digest: str) -> str:
    """The name of the stage that this trial needs: equal names mean an equal network."""
    flat = flatten(config)
    if flat["loss/boundary"] == "sobel":
        flat["loss/variant"] = "paper"  # of the terms that a stage knows, radius alone has two
    parts = [_VERSION, kind, digest, {path: flat[path] for path in (*_DATA, *deciding_paths(kind))}]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def stage_names(config: TrialConfig, digest: str) -> list[str]:
    """``kind-key`` of every stage that the trial needs."""
    return [f"{kind}-{stage_key(kind, config, digest)}" for kind in needed(config)]


def stage_file(name: str, folder: Path) -> StageFile:
    """The file of a stage by its name, ``kind-key``."""
    return StageFile(folder, *name.split("-"))


def ensure(
    kind: str, config: TrialConfig, dataset: Dataset, folder: Path, study: str = ""
) -> StageRecord:
    """Train what this trial needs, unless the folder has it already.

    Of several processes that ask at once one trains; the others wait for its lock, not in a
    collective, which would run into a time-out.

    Raises:
        DataError: the training or validation masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """
    file = StageFile(folder, kind, stage_key(kind, config, dataset.digest))
    with file.lock():
        record = file.record()
        if record is not None:
            return record
        start = time.monotonic()
        # Small layers: more threads cost more than they give, and another number of them rounds
        # in another way.
        with torch_threads(1):
            network, quality, curve = KINDS[kind].train(config, dataset, file.tell)
        record = StageRecord(kind, file.key, study, time.monotonic() - start, quality, curve)
        file.write(SavedStage(record, dataset.num_classes, network.state_dict()))
        return record


def load_learned(config: TrialConfig, digest: str, folder: Path) -> Learned:
    """The frozen networks of this trial, from their files.

    Raises:
        FileNotFoundError: one is missing, damaged or another stage's.
    """
    return Learned(**{kind: _load(kind, config, digest, folder) for kind in needed(config)})


def make_learned(config: TrialConfig, dataset: Dataset, folder: Path, study: str) -> Learned:
    """The frozen networks of this trial, trained first where the folder does not have them.

    Raises:
        ValueError: as ``ensure`` says.
    """
    for kind in needed(config):
        ensure(kind, config, dataset, folder, study)
    return load_learned(config, dataset.digest, folder)


def untrained(config: TrialConfig, num_classes: int) -> Learned:
    """Networks of the same shape, for timing a trial before its stages are there."""
    return Learned(
        **{
            kind: KINDS[kind].build(config, num_classes).requires_grad_(False)
            for kind in needed(config)
        }
    )


def _load(kind: str, config: TrialConfig, digest: str, folder: Path) -> nn.Module:
    file = StageFile(folder, kind, stage_key(kind, config, digest))
    saved = file.read()
    if saved is None:
        raise FileNotFoundError(f"stage file {file.path} is missing, damaged or of another stage")
    network = KINDS[kind].build(config, saved.classes)
    network.load_state_dict(saved.state)
    return network.requires_grad_(False).eval()
