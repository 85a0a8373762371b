"""Copies of stages' files beside a trained network, so that its loss needs no study's storage."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import nn

from trainables import proof
from trainables.config import TrialConfig
from trainables.losses.batch import Learned
from trainables.stages.files import parsed
from trainables.stages.registry import built, of_loss, stage_file


def contents(names: Iterable[str], folder: Path) -> dict[str, bytes]:
    """The files of these stages, ``kind-key``, by name; without those that cannot be used."""
    files = [stage_file(name, folder) for name in names]
    return {file.path.name: proof.read(file.path) for file in files if file.read() is not None}


def learned_from(config: TrialConfig, files: Mapping[str, bytes], folder: Path) -> Learned:
    """The frozen networks of a trial's loss. Draws nothing from torch's global random numbers.

    Args:
        config: the trial's.
        files: by name, of ``contents``.
        folder: where they were read, for errors.

    Raises:
        ValueError: a file is missing, damaged, or of a network of another shape.
    """
    names = {name.partition("-")[0]: name for name in files}
    networks: dict[str, nn.Module] = {}
    for kind in of_loss(config):
        path = folder / names.get(kind, f"{kind}-KEY.pt")
        if kind not in names:
            raise ValueError(
                f"{path}: missing: the loss needs this network, and an older version, or a study "
                f"whose file was gone, saved the folder without; study/report.py NAME adds it if "
                f"the storage still has it"
            )
        saved = parsed(kind, files[path.name], path)
        try:
            with torch.random.fork_rng(devices=[]):  # building draws weights, which are replaced
                networks[kind] = built(kind, config, saved)
        except RuntimeError:  # torch's, of many lines
            raise ValueError(f"{path}: its network does not fit this version of Edgewise") from None
    return Learned(**networks)
