"""Learned parts that are trained before the trials: made once for their content, shared by all.

A stage's file is named by what decides its content: the data and the config fields it reads. It is
written whole or not at all, one process at a time; a damaged file is made again.
Shape letters: N tiles or images, H rows, W columns, S tile side, P context side.
"""

import hashlib
import json
import os
import pickle
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import Generator, Tensor, nn

from trainables.config import TrialConfig
from trainables.data.dataset import DataError, Dataset
from trainables.geometry import homography
from trainables.geometry.boundaries import sobel_boundary
from trainables.losses.compose import Learned, active_weights
from trainables.networks.inverse_transform import InverseTransformNet

_VERSION = 1
_MOST_IMAGES = 256
"""Boundary maps that pairs are drawn from: enough for any tile, little to keep in memory."""
_QUALITY_PAIRS = 512


@dataclass(frozen=True)
class StageRecord:
    """What the ledger keeps of a stage."""

    kind: str
    key: str
    seconds: float
    reused: bool
    quality: dict[str, float]


def needs_inverse_net(config: TrialConfig) -> bool:
    """Whether the trial's loss looks through an inverse-transformation network."""
    return "inverse_form" in active_weights(config.loss)


def inverse_net_key(config: TrialConfig, digest: str) -> str:
    """The name of the network that this trial needs: equal names mean an equal network."""
    parts = [
        _VERSION, digest, config.data.height, config.data.width, config.data.train_images,
        config.loss.tile, asdict(config.inverse_net),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def ensure_inverse_net(config: TrialConfig, dataset: Dataset, folder: Path) -> StageRecord:
    """Train the network that this trial needs, unless the folder has it already.

    Two processes that ask at once: one trains, the other waits.

    Raises:
        DataError: the training masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = inverse_net_key(config, dataset.digest)
    path = folder / f"inverse_net-{key}.pt"
    with FileLock(f"{path}.lock"):
        saved = _read(path)
        if saved is not None:
            return StageRecord("inverse_net", key, saved["seconds"], True, saved["quality"])
        start = time.monotonic()
        network, quality = train_inverse_net(config, dataset)
        seconds = time.monotonic() - start
        _write(path, {"state": network.state_dict(), "quality": quality, "seconds": seconds})
    return StageRecord("inverse_net", key, seconds, False, quality)


def load_learned(config: TrialConfig, digest: str, folder: Path) -> Learned:
    """The frozen networks of this trial, from their files."""
    if not needs_inverse_net(config):
        return Learned()
    path = folder / f"inverse_net-{inverse_net_key(config, digest)}.pt"
    saved = _read(path)
    if saved is None:
        raise FileNotFoundError(f"stage file {path} is missing or damaged")
    network = InverseTransformNet(config.loss.tile, config.inverse_net.hidden)
    network.load_state_dict(saved["state"])
    return Learned(inverse_net=network.requires_grad_(False).eval())


def train_inverse_net(
    config: TrialConfig, dataset: Dataset
) -> tuple[InverseTransformNet, dict[str, float]]:
    """Regress the parameters of random affine transformations of the dataset's own boundaries.

    Returns:
        The network, and its quality on pairs of the validation images, which it never saw.
    """
    settings, tile = config.inverse_net, config.loss.tile
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = InverseTransformNet(tile, settings.hidden)
    generator = Generator().manual_seed(settings.seed)
    source = TileSource(dataset, "train", tile)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, settings.steps)
    for _ in range(settings.steps):
        moved_NSS, still_NSS, coefficients_N6 = source.pairs(settings.batch, generator)
        loss = (network(moved_NSS, still_NSS) - coefficients_N6).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network, _quality(network, TileSource(dataset, "val", tile), settings.seed)


class TileSource:
    """Boundary tiles of one split, with the surroundings that a transformation moves in."""

    def __init__(self, dataset: Dataset, split: str, tile: int) -> None:
        labels_NHW = torch.from_numpy(dataset.splits[split].labels_NHW[:_MOST_IMAGES]).long()
        rows, columns = labels_NHW.shape[1:]
        if tile > min(rows, columns):
            raise ValueError(f"loss/tile must be at most {min(rows, columns)}, got {tile}")
        boundary_NHW = torch.stack([
            sobel_boundary(label_HW.unsqueeze(0), dataset.num_classes).squeeze(0)
            for label_HW in labels_NHW
        ])  # fmt: skip
        self.tile = tile
        self.maps_NHW = nn.functional.pad(boundary_NHW.float(), (tile,) * 4)
        self.places = boundary_NHW.nonzero()
        if len(self.places) == 0:
            raise DataError(f"dataset {dataset.name}: no boundary in the {split} masks")

    def pairs(self, count: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Moved tiles, tiles as they were, and the normalised transformation between them.

        Every tile has a boundary pixel, at a random place in it. The moved ones are blurred and
        faded by a random amount, as a network's probabilities are.
        """
        context_NPP = self._contexts(count, generator)
        theta_N23 = homography.sample_affine(count, generator)
        moved_NSS = homography.warp(context_NPP, theta_N23, self.tile)
        edge = self.tile // 2
        still_NSS = context_NPP[:, edge : edge + self.tile, edge : edge + self.tile]
        moved_NSS = _soften(moved_NSS, generator)
        return moved_NSS, still_NSS, homography.normalise(theta_N23)

    def _contexts(self, count: int, generator: Generator) -> Tensor:
        """(N,P,P), P = 2S: windows whose centre tile holds a boundary pixel."""
        chosen = torch.randint(len(self.places), (count,), generator=generator)
        image_N, row_N, column_N = self.places[chosen].unbind(dim=1)
        offset_2N = torch.randint(self.tile, (2, count), generator=generator)
        reach = torch.arange(2 * self.tile)
        start = self.tile - self.tile // 2  # the maps are padded by one tile
        rows_NP = (row_N - offset_2N[0] + start).unsqueeze(1) + reach
        columns_NP = (column_N - offset_2N[1] + start).unsqueeze(1) + reach
        rows_NP = rows_NP.clamp(0, self.maps_NHW.shape[1] - 1)
        columns_NP = columns_NP.clamp(0, self.maps_NHW.shape[2] - 1)
        return self.maps_NHW[image_N.view(-1, 1, 1), rows_NP.unsqueeze(2), columns_NP.unsqueeze(1)]


def _soften(tiles_NSS: Tensor, generator: Generator) -> Tensor:
    """Mix each tile with its 3x3 mean and scale it, by random amounts."""
    mix_2N11 = torch.rand(2, len(tiles_NSS), 1, 1, generator=generator)
    blurred_NSS = nn.functional.avg_pool2d(tiles_NSS, 3, stride=1, padding=1)
    return torch.lerp(tiles_NSS, blurred_NSS, mix_2N11[0]) * (1 - 0.5 * mix_2N11[1])


@torch.no_grad()
def _quality(network: InverseTransformNet, source: TileSource, seed: int) -> dict[str, float]:
    """Mean error of the recovered shift, and what predicting no shift at all would have."""
    moved_NSS, still_NSS, truth_N6 = source.pairs(_QUALITY_PAIRS, Generator().manual_seed(seed))
    truth_N23 = homography.denormalise(truth_N6)
    found_N23 = homography.denormalise(network(moved_NSS, still_NSS))
    to_px = source.tile / 2
    error_N = (found_N23 - truth_N23)[:, :, 2].norm(dim=1) * to_px
    return {
        "shift_error_px": error_N.mean().item(),
        "shift_px": (truth_N23[:, :, 2].norm(dim=1) * to_px).mean().item(),
    }


def _read(path: Path) -> dict[str, Any] | None:
    """The saved stage, or None where there is none that can be trusted."""
    if not path.is_file():
        return None
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError):
        return None  # cut off or damaged: made again
    return saved if {"state", "quality", "seconds"} <= saved.keys() else None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as file:
        torch.save(dict(content), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
