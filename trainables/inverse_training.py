"""How the inverse-transformation network is trained. Nobody has published how; this is ours.

It regresses the transformation between a boundary tile and its warp, as the paper says. That alone
makes no loss: shown a blank prediction or another tile, the regression answers with its mean, near
the identity, and an empty prediction is as good as a true one. So the network has one more output,
how unlike the two are, and a third of the pairs are no transformations of each other. And some
predictions lie between two, as one does on its way: their distance grows with the share. All of
this is off with ``inverse_net/unlike=false``, which leaves the paper's regression.
Shape letters: N pairs, S tile side, C coefficients.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from trainables.config import TrialConfig
from trainables.data.dataset import Dataset
from trainables.data.tile_pairs import Pairs, TileSource
from trainables.geometry.boundaries import boundary_maker
from trainables.inverse_quality import measure
from trainables.losses.geodesic import coefficients_of, distance_of
from trainables.networks.aet import AutoEncodingTransformationNet
from trainables.networks.inverse_transform import InverseTransformNet
from trainables.networks.spatial_transformer import SpatialTransformer
from trainables.trained import Curve, Tell, Trained, tell_nobody

MARGIN = 4.0
"""The unlikeness of pairs that have nothing to do with each other, in units of the normal form. A
sampled transformation is 2.4 from the identity on average, and hardly any is further than this."""

_MARGIN_WEIGHT = 0.25

_AGAINST = 0.1
"""The spatial transformer's share of the learning rate: as fast as the network, it outruns it."""


def build(config: TrialConfig) -> nn.Module:
    """The untrained network that the config describes."""
    settings = config.inverse_net
    outputs = coefficients_of(config.loss.distance) + settings.unlike
    if settings.network == "aet":
        return AutoEncodingTransformationNet(outputs)
    return InverseTransformNet(config.loss.tile, settings.hidden, outputs, settings.cells)


def train(config: TrialConfig, dataset: Dataset, tell: Tell = tell_nobody) -> Trained:
    """Train on the training masks; the quality is of validation masks, which it never saw.

    Raises:
        DataError: the masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """
    settings, tile = config.inverse_net, config.loss.tile
    coefficients = coefficients_of(config.loss.distance)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network, transformer = build(config), SpatialTransformer(coefficients)
    generator = Generator().manual_seed(settings.seed)
    make = boundary_maker(config.loss.boundary, config.loss.variant)
    source = TileSource(dataset, "train", tile, coefficients, make)
    optimizer = torch.optim.Adam(network.parameters(), settings.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, settings.steps)
    against = torch.optim.Adam(transformer.parameters(), _AGAINST * settings.lr, maximize=True)
    curve = Curve(settings.steps, tell)
    for _ in range(settings.steps):
        pairs = source.pairs(
            settings.batch, generator, transformer if settings.pairs == "stn" else None
        )
        shown = spoil(pairs, generator) if settings.unlike else plain(pairs)
        loss = training_loss(network(shown.moved_NSS, shown.still_NSS), shown)
        optimizer.zero_grad()
        against.zero_grad()
        loss.backward()
        optimizer.step()
        against.step()
        schedule.step()
        curve.add(loss.item())
    network.eval()
    distance = distance_of(config.loss.distance)
    quality = measure(network, distance, TileSource(dataset, "val", tile, coefficients, make))
    return Trained(network, quality, curve.points)


def training_loss(found_NC: Tensor, shown: "Shown") -> Tensor:
    """Squared error where there is a transformation, squared shortfall where there is none.

    The coefficients of pairs without a transformation are free: there is no right answer.
    """
    related_N = shown.unlike_N == 0
    if found_NC.shape[1] == shown.target_NC.shape[1]:
        return (found_NC - shown.target_NC).square().mean()
    target_NC = nn.functional.pad(shown.target_NC, (0, 1))
    regression = (found_NC - target_NC)[related_N].square().mean()
    shortfall_M = (MARGIN * shown.unlike_N - found_NC[:, -1])[~related_N].clamp(min=0)
    return regression + _MARGIN_WEIGHT * shortfall_M.square().sum() / max(len(shortfall_M), 1)


class Shown(NamedTuple):
    """Predictions as the network will meet them."""

    moved_NSS: Tensor
    still_NSS: Tensor
    target_NC: Tensor
    unlike_N: Tensor
    """0 for a transformation of the true tile, 1 for what has nothing to do with it."""


def plain(pairs: Pairs) -> Shown:
    """The pairs as they are: what the paper trains on."""
    return Shown(*pairs, torch.zeros(len(pairs.moved_NSS)))


def spoil(pairs: Pairs, generator: Generator) -> Shown:
    """A twelfth of the pairs blank or faint, a twelfth noise, a sixth of another tile; the last
    two with the true tile shining through. A quarter lie between moved and true tile."""
    count, side = len(pairs.moved_NSS), pairs.moved_NSS.shape[1]
    twelfth, third = count // 12, count // 3
    middle = third + count // 4

    def share(many: int) -> Tensor:
        return torch.rand(many, 1, 1, generator=generator)

    faint_NSS = pairs.moved_NSS[:twelfth] * 0.3 * share(twelfth)
    noise_NSS = torch.rand(twelfth, side, side, generator=generator).square() * share(twelfth)
    other_NSS = pairs.moved_NSS.roll(1, 0)[2 * twelfth : third]
    unlike_N11 = share(third - twelfth).sqrt()
    through_NSS = torch.maximum(
        (1 - unlike_N11) * pairs.still_NSS[twelfth:third],
        unlike_N11 * torch.cat((noise_NSS, other_NSS)),
    )
    between_N11 = share(middle - third)
    mixed_NSS = torch.lerp(
        pairs.still_NSS[third:middle], pairs.moved_NSS[third:middle], between_N11
    )
    return Shown(
        torch.cat((faint_NSS, through_NSS, mixed_NSS, pairs.moved_NSS[middle:])),
        pairs.still_NSS,
        torch.cat((
            pairs.target_NC[:third],
            pairs.target_NC[third:middle] * between_N11[:, :, 0],
            pairs.target_NC[middle:],
        )),
        torch.cat((torch.ones(twelfth), unlike_N11.flatten(), torch.zeros(count - third))),
    )  # fmt: skip
