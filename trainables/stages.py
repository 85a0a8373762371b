"""Learned parts that are trained before the trials: made once for their content, shared by all.

A stage's file is named by what decides its content: the data and the config fields it reads. It is
written whole or not at all, one process at a time; a file that is damaged, or that was made from
other data or another config, is made again.
"""

import hashlib
import json
import os
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock
from torch import nn

from trainables import edge_training, inverse_training
from trainables.config import LossConfig, TrialConfig, flatten
from trainables.data.dataset import Dataset
from trainables.losses.compose import Learned, needs_edge_net, needs_inverse_net
from trainables.trained import Trained

_VERSION = 2
_DATA = ("data/height", "data/width", "data/train_images")


@dataclass(frozen=True)
class StageRecord:
    """What the ledger keeps of a stage."""

    kind: str
    key: str
    seconds: float
    reused: bool
    quality: dict[str, float]
    curve: list[float] = field(default_factory=list)


class Kind(NamedTuple):
    """One sort of learned part."""

    needed: Callable[[LossConfig], bool]
    paths: tuple[str, ...]
    """The config fields that decide what is learned, beside the data; ``part/*`` is all of it."""
    build: Callable[[TrialConfig, int], nn.Module]
    """From the config and the number of classes."""
    train: Callable[[TrialConfig, Dataset], Trained]


KINDS: dict[str, Kind] = {
    "inverse_net": Kind(
        needs_inverse_net,
        ("loss/tile", "loss/distance", "inverse_net/*"),
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
        path for path in flatten(TrialConfig())
        if path in KINDS[kind].paths or (whole and path.startswith(whole))
    ]  # fmt: skip


def stage_key(kind: str, config: TrialConfig, digest: str) -> str:
    """The name of the stage that this trial needs: equal names mean an equal network."""
    flat = flatten(config)
    parts = [_VERSION, kind, digest, {path: flat[path] for path in (*_DATA, *deciding_paths(kind))}]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def ensure(kind: str, config: TrialConfig, dataset: Dataset, folder: Path) -> StageRecord:
    """Train what this trial needs, unless the folder has it already.

    Two processes that ask at once: one trains, the other waits.

    Raises:
        DataError: the training masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = stage_key(kind, config, dataset.digest)
    path = folder / f"{kind}-{key}.pt"
    with FileLock(f"{path}.lock"):
        saved = _read(path, key)
        if saved is not None:
            kept = {name: saved[name] for name in ("seconds", "quality", "curve")}
            return StageRecord(kind, key, reused=True, **kept)
        start = time.monotonic()
        network, quality, curve = KINDS[kind].train(config, dataset)
        kept = {"seconds": time.monotonic() - start, "quality": quality, "curve": curve}
        state = network.state_dict()
        _write(path, {"key": key, "classes": dataset.num_classes, "state": state, **kept})
    return StageRecord(kind, key, reused=False, **kept)


def load_learned(config: TrialConfig, digest: str, folder: Path) -> Learned:
    """The frozen networks of this trial, from their files.

    Raises:
        FileNotFoundError: one is missing, damaged or another stage's.
    """
    return Learned(**{kind: _load(kind, config, digest, folder) for kind in needed(config)})


def untrained(config: TrialConfig, num_classes: int) -> Learned:
    """Networks of the same shape, for timing a trial before its stages are there."""
    return Learned(**{
        kind: KINDS[kind].build(config, num_classes).requires_grad_(False)
        for kind in needed(config)
    })  # fmt: skip


def _load(kind: str, config: TrialConfig, digest: str, folder: Path) -> nn.Module:
    key = stage_key(kind, config, digest)
    path = folder / f"{kind}-{key}.pt"
    saved = _read(path, key)
    if saved is None:
        raise FileNotFoundError(f"stage file {path} is missing, damaged or of another stage")
    network = KINDS[kind].build(config, saved["classes"])
    network.load_state_dict(saved["state"])
    return network.requires_grad_(False).eval()


def _read(path: Path, key: str) -> dict[str, Any] | None:
    """The saved stage, or None where there is none that can be trusted."""
    if not path.is_file():
        return None
    try:
        saved: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError):
        return None  # cut off or damaged: made again
    whole = {"key", "classes", "state", "seconds", "quality", "curve"}
    if not isinstance(saved, dict) or not whole <= saved.keys() or saved["key"] != key:
        return None
    return saved


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as file:
        torch.save(dict(content), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
