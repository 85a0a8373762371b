"""What the learned losses measure, on boundary tiles that no stage was trained on, one thread.

    python -m tests.benchmarks.stages [CamVid folder] [--tile 32] [--only plain-random]

Trains every variant on the training list and measures it on the test list, of the built-in data
and of CamVid if its folder is given: each network beside the others, random pairs beside those of
the spatial transformer, both distances, other ranges, and ours; then gradient descent on
boundary logits with InverseForm alone, from three directions, of which the worst counts, and the
edge network. The figures of oracles on the same shifts come first (``aperture.py``). Each figure is
printed with its bound. A variant takes a quarter of a minute to two minutes.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_spaces.tables.inverseform_ablations import RANGES as INVERSEFORM_RANGES
from tests.benchmarks.aperture import oracle_ranks
from trainables.config import TrialConfig, Value
from trainables.data import Dataset, load
from trainables.geometry.boundaries import sobel_boundary
from trainables.losses.geodesic import distance_of
from trainables.losses.inverse_form import Distance, inverse_form
from trainables.stages.edge_net import training as edge_training
from trainables.stages.inverse_net import training as inverse_training
from trainables.stages.inverse_net.quality import measure
from trainables.stages.inverse_net.training import tiles_of

OURS: dict[str, Value] = {
    "inverse_net/network": "dense",
    "inverse_net/unlike": True,
    "inverse_net/soften": True,
}
AET_RANGES = dict(INVERSEFORM_RANGES.cell("AET's").changes)
VARIANTS: dict[str, dict[str, Value]] = {
    **{
        f"{network}-{pairs}-{distance}": {
            "inverse_net/network": network,
            "inverse_net/pairs": pairs,
            "loss/distance": distance,
        }
        for network in ("plain", "dense", "aet", "aet_dense")
        for pairs in ("random", "stn")
        for distance in ("euclidean", "geodesic")
    },
    "plain-soften": {"inverse_net/soften": True},
    "plain-aet_ranges": AET_RANGES,
    "aet-sgd": {
        "inverse_net/network": "aet",
        "inverse_net/optimizer": "sgd",
        "inverse_net/lr": 0.1,
    },
    "aet-aet_ranges": {"inverse_net/network": "aet", **AET_RANGES},
    "plain-geodesic_by_squares": {"loss/distance": "geodesic", "inverse_net/distance": "euclidean"},
    "plain-unlike": {"inverse_net/unlike": True},
    "ours": OURS,
    "ours-geodesic": {**OURS, "loss/distance": "geodesic"},
}
AT_LEAST = {
    "nearer_share": 0.95,
    "shift_rank": 0.9,
    "shift_rank_pooled": 0.9,
    "f_clean": 0.99,
    "f_noisy": 0.95,
}
AT_MOST = {
    "identity_ratio": 0.1,
    "cpu_s": 60.0,
    "centre_off_px": 1.0,
    "logits_off_px": 1.0,
    "logits_contour_px": 1.0,
}
SIDE, RADIUS, SHIFT_PX = 64, 14.0, 4.0
STEPS = 200
DIRECTIONS = (0.6, 2.1, 4.0)
"""Directions in which the circle starts off, in radians; none is special."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("camvid", nargs="?")
    parser.add_argument("--tile", type=int, default=32)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    torch.set_num_threads(1)
    bases = {"shapes": TrialConfig()}
    if given.camvid:
        bases["camvid"] = TrialConfig().changed(
            {"data/dataset": "camvid", "data/root": given.camvid}
        )
    for name, base in bases.items():
        dataset = load(base.data)
        config = base.changed({"loss/gamma": 1.0, "loss/tile": given.tile})
        print(f"{name} tile {given.tile} oracle: {_formatted(oracle_figures(config, dataset))}")
        for variant, changes in VARIANTS.items():
            if given.only in variant:
                figures = inverse_figures(config.changed(changes), dataset)
                print(f"{name} tile {given.tile} {variant}: {_formatted(figures)}", flush=True)
        if given.only in "edge_net":
            print(f"{name} edge_net: {_formatted(edge_figures(base, dataset))}", flush=True)


def oracle_figures(config: TrialConfig, dataset: Dataset) -> dict[str, float]:
    return oracle_ranks(tiles_of(config, dataset, "test"))


def inverse_figures(config: TrialConfig, dataset: Dataset) -> dict[str, float]:
    torch.optim.Adam([torch.zeros(1)])  # its first use imports for seconds, as any trial's does
    begin = time.process_time()
    network = inverse_training.train(config, dataset).network.requires_grad_(False)
    seconds = time.process_time() - begin
    distance = distance_of(config.loss.distance, config.loss.lambda_geo, config.loss.geodesic)
    figures = {"cpu_s": seconds, **measure(network, distance, tiles_of(config, dataset, "test"))}
    for way, descend in (("centre", descend_centre), ("logits", descend_logits)):
        landed = [descend(network, distance, config.loss.tile, angle) for angle in DIRECTIONS]
        figures |= {
            f"{way}_off_px": max(end.off_px for end in landed),
            f"{way}_contour_px": max(end.contour_px for end in landed),
        }
    return figures


def edge_figures(config: TrialConfig, dataset: Dataset) -> dict[str, float]:
    begin = time.process_time()
    network = edge_training.train(config, dataset).network
    seconds = time.process_time() - begin
    labels_BHW = torch.from_numpy(dataset.splits["test"].labels_NHW).long()
    figures = edge_training.measure(network, labels_BHW, dataset.num_classes, config.edge_net)
    return {"cpu_s": seconds, **figures}


@dataclass(frozen=True)
class Landed:
    """Where gradient descent left the circle."""

    off_px: float
    """Distance between the centres of mass of predicted and true boundary."""
    contour_px: float
    """Mean distance between the two boundaries, of both directions; 1.9 before."""


def circle_logits(centre_2: Tensor) -> Tensor:
    """(1,H,W): boundary logits of a circle's outline, differentiable in its centre."""
    step = torch.arange(SIDE, dtype=torch.float32)
    from_H1, from_W = step.view(-1, 1) - centre_2[0], step - centre_2[1]
    return (6 - 6 * ((from_H1**2 + from_W**2).sqrt() - RADIUS).abs()).unsqueeze(0)


def true_circle() -> Tensor:
    """Bool (1,H,W): the Sobel boundary of a disk in the middle."""
    step = torch.arange(SIDE) - SIDE // 2
    inside_HW = step.view(-1, 1) ** 2 + step**2 <= RADIUS**2
    return sobel_boundary(inside_HW.long().unsqueeze(0), 2)


def start(angle: float) -> Tensor:
    """The circle's centre, 4 px off in this direction."""
    direction = torch.tensor(angle)
    return SIDE / 2 + SHIFT_PX * torch.stack((direction.sin(), -direction.cos()))


def descend_centre(network: nn.Module, distance: Distance, tile: int, angle: float) -> Landed:
    """The logits can only be a circle: what a prediction with a shape can do."""
    centre_2 = start(angle).requires_grad_()
    _descend([centre_2], lambda: circle_logits(centre_2), network, distance, tile, lr=0.2)
    return _landed(circle_logits(centre_2.detach()))


def descend_logits(network: nn.Module, distance: Distance, tile: int, angle: float) -> Landed:
    """Every pixel's logit is free: the hardest way, open to patterns that fool the network."""
    logits_1HW = circle_logits(start(angle)).clamp(min=-4).requires_grad_()
    _descend([logits_1HW], lambda: logits_1HW, network, distance, tile, lr=0.1)
    return _landed(logits_1HW.detach())


def _descend(
    parameters: list[Tensor],
    logits: Callable[[], Tensor],
    network: nn.Module,
    distance: Distance,
    tile: int,
    lr: float,
) -> None:
    truth_1HW = true_circle()
    optimizer = torch.optim.Adam(parameters, lr)
    for _ in range(STEPS):
        term = inverse_form(
            logits(),
            truth_1HW,
            torch.ones_like(truth_1HW),
            network=network,
            tile=tile,
            distance=distance,
        )
        optimizer.zero_grad()
        term.total.backward()
        optimizer.step()


def _landed(logits_1HW: Tensor) -> Landed:
    found_P2 = (logits_1HW[0] > 0).nonzero().float()
    true_P2 = true_circle()[0].nonzero().float()
    if len(found_P2) == 0:
        return Landed(float("inf"), float("inf"))
    between = torch.cdist(found_P2, true_P2)
    contour = (between.amin(dim=1).mean() + between.amin(dim=0).mean()) / 2
    off = (found_P2.mean(dim=0) - true_P2.mean(dim=0)).norm()
    return Landed(off.item(), contour.item())


def _formatted(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}{_bound(name, value)}" for name, value in figures.items())


def _bound(name: str, value: float) -> str:
    """The figure's bound as `` (<= 1)``, with MISSED where the value is beyond it."""
    if name in AT_LEAST:
        return f" (>= {AT_LEAST[name]}{'' if value >= AT_LEAST[name] else ' MISSED'})"
    if name in AT_MOST:
        return f" (<= {AT_MOST[name]}{'' if value <= AT_MOST[name] else ' MISSED'})"
    return ""


if __name__ == "__main__":
    main()
