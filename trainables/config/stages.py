"""The sections of the stages: networks inside losses, trained once before the trials."""

from dataclasses import dataclass
from typing import Literal

from trainables.config.validation import require, require_choices


@dataclass(frozen=True, kw_only=True, slots=True)
class InverseNetConfig:
    """How InverseForm's inverse-transformation network is built and trained.

    The defaults are the paper's network (``plain``), the output that is ours is off.
    """

    network: Literal["plain", "dense", "aet", "aet_dense"] = "plain"
    """``plain``: the paper's; ``dense``: ours; ``aet``: AET's, of Table 5; ``aet_dense``: ours."""

    output: Literal["transformation", "distance"] = "transformation"
    """``distance``: ``plain`` regresses the distance itself, which the paper advises against."""

    units: str = "1000,32"
    """Units of each hidden layer of ``plain``; the released code's, as the paper gives none."""

    hidden: int = 128
    """Units of the two hidden layers of ``dense``."""

    features: int = 16
    """Channels of the encoder of ``aet``; 192 in AET, 144 times the work."""

    steps: int = 1200
    """Optimiser steps."""

    batch: int = 128
    """Pairs of tiles per step."""

    optimizer: Literal["adam", "sgd"] = "adam"
    """Under a one-cycle schedule; ``sgd`` is AET's: Nesterov momentum 0.9, weight decay 0.0005."""

    lr: float = 4e-3
    """Peak learning rate."""

    seed: int = 0
    """Of its weights and pairs; separate, so that trials with different seeds share the network."""

    distance: Literal["same", "euclidean", "geodesic"] = "same"
    """What training reduces: the squared error of the coefficients, or Eq. 3's distance of
    theta^-1 theta-hat; ``same``: as ``loss/distance`` measures."""

    lambda_geo: float = 0.1
    """Weight of the projection residual (Eq. 3) in the training."""

    pairs: Literal["random", "stn"] = "random"
    """Transformations drawn at random, or by a spatial transformer trained with the network."""

    adversary_lr: float = 0.1
    """The spatial transformer's share of ``lr``: at 1 it outruns the network."""

    soften: bool = False
    """Blur and fade the moved tiles at random, so that they look like a network's probabilities."""

    rotation: float = 20.0
    """Largest rotation of a random transformation, in degrees; AET has 180."""

    shear: float = 10.0
    """Largest shear, in degrees; AET has 30."""

    zoom: float = 0.2
    """Tiles are zoomed by 1 - zoom .. 1 + zoom; AET has 0.3."""

    shift: float = 0.2
    """Largest shift, as a share of the tile's side; as in AET."""

    corners: float = 0.075
    """Largest offset of a corner, with 8 coefficients, as a share of the side; AET has 0.125."""

    unlike: bool = False
    """One more output, ours: how much of the prediction the transformation does not explain."""

    unlike_weight: float = 3.4
    """That output for a prediction with nothing in common with the true tile, from tile 32 on."""

    cells: int = 16
    """Rows and columns to which ``dense`` and ``aet_dense`` first reduce a tile, at most."""

    blur: float = 0.75
    """Standard deviation of the blur before that, in cells; ``unlike`` compares such cells, too."""

    def __post_init__(self) -> None:
        require_choices(self, "inverse_net")
        parse_units("inverse_net/units", self.units)
        if self.output == "distance":
            alone = self.network == "plain" and not self.unlike
            allowed = "transformation unless inverse_net/network is plain, without unlike"
            require(alone, "inverse_net/output", allowed, self.output)
        for name in ("hidden", "features", "steps", "batch"):
            require(getattr(self, name) >= 1, f"inverse_net/{name}", ">= 1", getattr(self, name))
        for name in ("lr", "adversary_lr", "blur", "unlike_weight"):
            good = 0 < getattr(self, name) < float("inf")
            require(good, f"inverse_net/{name}", "a finite number > 0", getattr(self, name))
        finite = 0 <= self.lambda_geo < float("inf")
        require(finite, "inverse_net/lambda_geo", "a finite number >= 0", self.lambda_geo)
        require(self.seed >= 0, "inverse_net/seed", ">= 0", self.seed)
        require(self.cells >= 4, "inverse_net/cells", ">= 4", self.cells)
        for name, most in _RANGES.items():
            value = getattr(self, name)
            require(0 <= value <= most, f"inverse_net/{name}", f"0 .. {most:g}", value)


_RANGES = {"rotation": 180.0, "shear": 60.0, "zoom": 0.9, "shift": 0.5, "corners": 0.2}
"""The most that a range may be. Beyond, tiles collapse, or a corner lies behind the camera."""


def parse_units(name: str, text: str) -> tuple[int, ...]:
    """The numbers of ``1000,32``.

    Raises:
        ValueError: a text that is not one or more whole numbers >= 1.
    """
    parts = text.split(",")
    good = all(part.isascii() and part.isdigit() and int(part) >= 1 for part in parts)
    require(good, name, "one or more whole numbers >= 1, such as 1000,32", text)
    return tuple(map(int, parts))


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeNetConfig:
    """How SEMEDA's edge network is trained."""

    steps: int = 2000
    """Optimiser steps."""

    batch: int = 16
    """Crops of masks per step."""

    crop: int = 24
    """Side of a crop in pixels; smaller images are used whole."""

    lr: float = 1e-2
    """Peak learning rate of Adam, under a one-cycle schedule."""

    clean_share: float = 0.25
    """Share of the masks that stay one-hot, as the loss's true masks are; 0 in the paper."""

    noise: float = 0.1
    """Standard deviation of the noise added to one-hot masks before the softmax (3.3)."""

    sharpness: float = 10.0
    """Largest random factor on the softmax's inputs; 1 in the paper, 10 is as sure as a network."""

    seed: int = 0
    """Of its weights and crops."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch"):
            require(getattr(self, name) >= 1, f"edge_net/{name}", ">= 1", getattr(self, name))
        require(self.crop >= 8, "edge_net/crop", ">= 8", self.crop)
        require(self.lr > 0, "edge_net/lr", "> 0", self.lr)
        finite = 0 <= self.noise < float("inf")
        require(finite, "edge_net/noise", "a finite number >= 0", self.noise)
        share = 0 <= self.clean_share <= 1
        require(share, "edge_net/clean_share", "0 .. 1", self.clean_share)
        sharp = 1 <= self.sharpness < float("inf")
        require(sharp, "edge_net/sharpness", "a finite number >= 1", self.sharpness)
        require(self.seed >= 0, "edge_net/seed", ">= 0", self.seed)
