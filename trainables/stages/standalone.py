"""A stage from its file alone, without the study that trained it."""

from pathlib import Path

import torch
import yaml

from trainables import proof
from trainables.config import TrialConfig, Value, flatten, from_flat
from trainables.stages.files import SavedStage
from trainables.stages.registry import KINDS, built, stage_file
from trainables.stages.stage_network import StageNetwork

CONFIG = "config.yaml"
"""Beside the file, it describes a stage of an older version, whose file does not."""


def load_stage(kind: str, place: str | Path) -> StageNetwork:
    """The stage of this kind in a file ``KIND-KEY.pt``, or in a folder with one such file.

    Args:
        kind: a key of ``registry.KINDS``: ``inverse_net`` or ``edge_net``.
        place: such a file, or a folder: of a study's network, or of a storage's stages.

    Raises:
        ValueError: there is no such file, or more than one; it is damaged, or of another version.
    """
    path = _file(kind, Path(place))
    saved = stage_file(path.stem, path.parent).read()
    if saved is None:
        raise ValueError(f"stage must be an undamaged file of a stage, got {str(path)!r}")
    config = _config(kind, saved, path)
    try:
        with torch.random.fork_rng(devices=[]):  # building draws weights, which are replaced
            network = built(kind, config, saved)
    except RuntimeError:
        raise ValueError(
            f"stage must be of this version of Edgewise and of one config, got {str(path)!r}"
        ) from None
    return StageNetwork(kind, network, config, saved.classes)


def _file(kind: str, place: Path) -> Path:
    found = sorted(place.glob(f"{kind}-*.pt")) if place.is_dir() else [place]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ValueError(f"stage must be a file, or a folder with one {kind}-KEY.pt, got {names}")
    [path] = found
    named, _, key = path.stem.partition("-")
    if named != kind or not key or path.suffix != ".pt" or kind not in KINDS:
        raise ValueError(f"stage must be a file {kind}-KEY.pt, got {str(path)!r}")
    return path


def _config(kind: str, saved: SavedStage, path: Path) -> TrialConfig:
    fields = saved.fields or _fields_beside(kind, path)
    return from_flat({**flatten(TrialConfig()), **fields})


def _fields_beside(kind: str, path: Path) -> dict[str, Value]:
    beside = path.parent / CONFIG
    if not beside.is_file():
        raise ValueError(
            f"stage must say how it was trained, or lie beside {CONFIG} of its study's network, "
            f"got the older file {str(path)!r}"
        )
    flat: dict[str, Value] = yaml.safe_load(proof.read(beside))
    return flat
