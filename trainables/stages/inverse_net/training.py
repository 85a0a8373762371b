"""Training the inverse-transformation network. No training code is published; this one is ours.

It regresses the transformation between a boundary tile and its warp, as the paper says. That alone
makes no loss: ``unexplained.py`` says why, and adds an output to the trained network.
"""

import torch
from torch import Generator, nn

from trainables.config import TrialConfig
from trainables.data.dataset import Dataset
from trainables.geometry.boundaries import boundary_maker
from trainables.losses.geodesic import coefficients_of, distance_of
from trainables.stages.inverse_net.aet import AutoEncodingTransformationNet
from trainables.stages.inverse_net.dense import InverseTransformNet
from trainables.stages.inverse_net.quality import measure
from trainables.stages.inverse_net.spatial_transformer import SpatialTransformer
from trainables.stages.inverse_net.tile_pairs import TileSource
from trainables.stages.inverse_net.unexplained import WithUnexplained
from trainables.stages.result import Curve, ReportProgress, TrainedStage, ignore_progress

_ADVERSARY_RATE = 0.1
"""The spatial transformer's share of the learning rate: at the full rate it outruns the network."""


def build(config: TrialConfig) -> nn.Module:
    """The untrained network that the config describes."""
    settings, tile = config.inverse_net, config.loss.tile
    outputs = coefficients_of(config.loss.distance)
    regressor: nn.Module = InverseTransformNet(tile, settings.hidden, outputs, settings.cells)
    if settings.network == "aet":
        regressor = AutoEncodingTransformationNet(tile, outputs, settings.cells)
    return WithUnexplained(regressor, tile, settings.cells) if settings.unlike else regressor


def train(
    config: TrialConfig, dataset: Dataset, report: ReportProgress = ignore_progress
) -> TrainedStage:
    """Train on the training masks; measure the quality on the validation masks.

    Raises:
        DataError: the masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """
    settings, tile = config.inverse_net, config.loss.tile
    coefficients = coefficients_of(config.loss.distance)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network, transformer = build(config), SpatialTransformer(coefficients)
    regressor = network.regressor if isinstance(network, WithUnexplained) else network
    generator = Generator().manual_seed(settings.seed)
    make = boundary_maker(config.loss.boundary, config.loss.variant)
    source = TileSource(dataset, "train", tile, coefficients, make)
    optimizer = torch.optim.Adam(regressor.parameters(), settings.lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, settings.steps)
    adversary = torch.optim.Adam(
        transformer.parameters(), _ADVERSARY_RATE * settings.lr, maximize=True
    )
    curve = Curve(settings.steps, report)
    for _ in range(settings.steps):
        pairs = source.pairs(
            settings.batch, generator, transformer if settings.pairs == "stn" else None
        )
        loss = (regressor(pairs.moved_NSS, pairs.still_NSS) - pairs.target_NC).square().mean()
        optimizer.zero_grad()
        adversary.zero_grad()
        loss.backward()
        optimizer.step()
        adversary.step()
        schedule.step()
        curve.add(loss.item())
    network.eval()
    distance = distance_of(config.loss.distance)
    quality = measure(network, distance, TileSource(dataset, "val", tile, coefficients, make))
    return TrainedStage(network, quality, curve.points)
