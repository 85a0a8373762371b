"""Training the inverse-transformation network. No training code is published; this one is ours.

It regresses the transformation between a boundary tile and its warp, as the paper says. That alone
makes a weak loss: ``unexplained.py`` says why, and adds an output to the trained network.
"""

import torch
from torch import Generator, nn
from torch.nn import Parameter

from trainables.config import InverseNetConfig, TrialConfig
from trainables.config.stages import parse_units
from trainables.data.dataset import Dataset
from trainables.geometry import homography
from trainables.losses.geodesic import Kind, coefficients_of, distance_of
from trainables.stages.inverse_net.aet import AutoEncodingTransformationNet
from trainables.stages.inverse_net.aet_dense import MeetingMapsNet
from trainables.stages.inverse_net.dense import BlurredDenseNet
from trainables.stages.inverse_net.objective import objective
from trainables.stages.inverse_net.plain import InverseTransformNet
from trainables.stages.inverse_net.quality import measure
from trainables.stages.inverse_net.spatial_transformer import SpatialTransformer
from trainables.stages.inverse_net.tile_pairs import TileSource
from trainables.stages.inverse_net.unexplained import WithUnexplained
from trainables.stages.masks import boundary_of
from trainables.stages.result import Curve, ReportProgress, TrainedStage, ignore_progress

_MOMENTUM, _WEIGHT_DECAY = 0.9, 5e-4
"""Of AET's SGD."""


def build(config: TrialConfig) -> nn.Module:
    """The untrained network that the config describes."""
    settings, tile = config.inverse_net, config.tile_px
    outputs = 1 if settings.output == "distance" else outputs_of(config)
    regressor = _regressor(settings, tile, outputs)
    if not settings.unlike:
        return regressor
    return WithUnexplained(regressor, tile, settings.cells, settings.blur, settings.unlike_weight)


def _regressor(settings: InverseNetConfig, tile: int, outputs: int) -> nn.Module:
    match settings.network:
        case "plain":
            return InverseTransformNet(tile, parse_units("units", settings.units), outputs)
        case "dense":
            cells, blur = settings.cells, settings.blur
            return BlurredDenseNet(tile, settings.hidden, outputs, cells, blur)
        case "aet":
            return AutoEncodingTransformationNet(settings.features, outputs)
        case "aet_dense":
            return MeetingMapsNet(tile, outputs, settings.cells, settings.blur)


def trained_by(config: TrialConfig) -> Kind:
    """The distance that the training reduces."""
    kind = config.inverse_net.distance
    return config.loss.distance if kind == "same" else kind


def outputs_of(config: TrialConfig) -> int:
    """Coefficients of a transformation: 8 if the geodesic distance trains or measures, else 6."""
    return max(coefficients_of(config.loss.distance), coefficients_of(trained_by(config)))


def tiles_of(config: TrialConfig, dataset: Dataset, split: str) -> TileSource:
    """The tiles of a list, with the config's boundaries and transformations.

    With the task ``edge``, the dataset's labels are its edge maps.
    """
    settings = config.inverse_net
    return TileSource(
        dataset,
        split,
        config.tile_px,
        outputs_of(config),
        boundary_of(config),
        ranges_of(settings),
        settings.soften,
        config.loss.resized,
    )


def ranges_of(settings: InverseNetConfig) -> homography.Ranges:
    return homography.Ranges(
        rotation=settings.rotation,
        shear=settings.shear,
        zoom=settings.zoom,
        shift=settings.shift,
        corners=settings.corners,
    )


def train(
    config: TrialConfig, dataset: Dataset, report: ReportProgress = ignore_progress
) -> TrainedStage:
    """Train on the training masks; measure the quality on the validation masks.

    Raises:
        DataError: the masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """
    settings, kind, form = config.inverse_net, trained_by(config), config.loss.geodesic
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = build(config)
        transformer = SpatialTransformer(outputs_of(config), ranges_of(settings))
    regressor = network.regressor if isinstance(network, WithUnexplained) else network
    generator = Generator().manual_seed(settings.seed)
    source = tiles_of(config, dataset, "train")
    optimizer = _optimizer(list(regressor.parameters()), settings)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, settings.steps)
    adversary = torch.optim.Adam(
        transformer.parameters(), settings.adversary_lr * settings.lr, maximize=True
    )
    curve = Curve(settings.steps, report)
    for _ in range(settings.steps):
        pairs = source.pairs(
            settings.batch, generator, transformer if settings.pairs == "stn" else None
        )
        found_NC = regressor(pairs.moved_NSS, pairs.still_NSS)
        loss = objective(found_NC, pairs.target_NC, kind, settings.lambda_geo, form)
        optimizer.zero_grad()
        adversary.zero_grad()
        loss.backward()
        optimizer.step()
        adversary.step()
        schedule.step()
        curve.add(loss.item())
    network.eval()
    distance = distance_of(config.loss.distance, config.loss.lambda_geo, form)
    return TrainedStage(
        network, measure(network, distance, tiles_of(config, dataset, "val")), curve.points
    )


def _optimizer(parameters: list[Parameter], settings: InverseNetConfig) -> torch.optim.Optimizer:
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, settings.lr, fused=True)
    return torch.optim.SGD(
        parameters, settings.lr, _MOMENTUM, weight_decay=_WEIGHT_DECAY, nesterov=True
    )
