"""The sections ``refine``, ``segfix`` and ``dense_crf``: what corrects a trained network's test.

Refinement trains nothing of the segmentation network. It changes the predictions of the test list,
and of images that are predicted later; validation after each epoch measures the network alone.
"""

from dataclasses import dataclass
from typing import Literal

from trainables.config.validation import require, require_choices

SOURCES = {
    "segfix": "SegFix (Yuan et al., ECCV 2020): scores from further inside at boundaries",
    "dense_crf": "DenseCRF (Krähenbühl and Koltun, NIPS 2011): all pairs of pixels, by colour and "
    "position",
}
"""By method, its paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefineConfig:
    method: Literal["none", "segfix", "dense_crf"] = "none"
    """``segfix``: interior labels moved to the boundary (Yuan et al., ECCV 2020); ``dense_crf``: a
    fully connected CRF of colours and positions (Krähenbühl and Koltun, NIPS 2011)."""

    def __post_init__(self) -> None:
        require_choices(self, "refine")


@dataclass(frozen=True, kw_only=True, slots=True)
class SegFixConfig:
    """How SegFix's network is trained, once for the data, and how its offsets are applied."""

    network: Literal["fpn", "hrnet_w18", "hrnet_w48"] = "fpn"
    """``fpn``: a small pyramid of ours; ``hrnet_w18``, ``hrnet_w48``: the paper's backbones."""

    width: int = 16
    """Channels of ``fpn`` at stride 2."""

    weights: Literal["none", "imagenet"] = "none"
    """Initial weights of an HRNet: random, or ImageNet's as timm has them."""

    directions: Literal[8, 4] = 8
    """Bins of the direction to the interior."""

    distance: float = 5.0
    """How far from a boundary pixels may be moved, in pixels; gamma in the paper."""

    scale: int = 2
    """Pixels of one step along the offset."""

    passes: int = 1
    """How often a prediction is corrected in turn; once in the paper."""

    variant: Literal["paper", "released"] = "paper"
    """``released``: with the code's faults, see ``docs/refinement.md``."""

    steps: int = 1000
    """Optimiser steps; 80,000 as released."""

    batch: int = 8
    """Crops per step; 16 as released."""

    crop: int = 64
    """Side of a crop in pixels; 512 as released."""

    lr: float = 0.04
    """Of SGD, with polynomial decay; as released."""

    seed: int = 0
    """Of its weights and crops."""

    def __post_init__(self) -> None:
        require_choices(self, "segfix")
        for name in ("width", "scale", "passes", "steps", "batch"):
            require(getattr(self, name) >= 1, f"segfix/{name}", ">= 1", getattr(self, name))
        fits = self.crop >= 32 and self.crop % 32 == 0
        require(fits, "segfix/crop", "a multiple of 32", self.crop)
        for name in ("lr", "distance"):
            good = 0 < getattr(self, name) < float("inf")
            require(good, f"segfix/{name}", "a finite number > 0", getattr(self, name))
        pretrained = self.network != "fpn" or self.weights == "none"
        require(pretrained, "segfix/weights", "none with segfix/network fpn", self.weights)
        require(self.seed >= 0, "segfix/seed", ">= 0", self.seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class DenseCRFConfig:
    """The energy of the CRF, and what of it the validation list chooses."""

    appearance_weight: float = 10.0
    """Of the kernel of positions and colours; 0: without it."""

    appearance_sxy: float = 80.0
    """Its width in pixels, the paper's theta_alpha."""

    appearance_srgb: float = 13.0
    """Its width in colours, of 0 .. 255: the paper's theta_beta."""

    smoothness_weight: float = 3.0
    """Of the kernel of positions alone; 0: without it."""

    smoothness_sxy: float = 3.0
    """Its width in pixels, the paper's theta_gamma."""

    steps: int = 10
    """Of mean field."""

    variant: Literal["released", "paper"] = "released"
    """``released``: each kernel is normalised, and a pixel hears itself, as in the authors' code;
    ``paper``: neither, as in Eq. 4, and with ``filter`` exact: a lattice's kernels are smaller by
    up to a half, which only their normalisation takes out again."""

    filter: Literal["lattice", "exact"] = "lattice"
    """How the sums over all pairs of pixels are computed: on a permutohedral lattice, as in the
    authors' code, or each pair by itself, for small images."""

    tried: int = 8
    """Settings that are tried on the validation list with each network, the given one among them;
    the best in the study's objective is applied to the test list. 1: the given one."""

    seed: int = 0
    """Of the settings that are drawn."""

    def __post_init__(self) -> None:
        require_choices(self, "dense_crf")
        for name in ("appearance_sxy", "appearance_srgb", "smoothness_sxy"):
            value = getattr(self, name)
            require(0 < value <= 1e4, f"dense_crf/{name}", "0 < width <= 10000", value)
        for name in ("appearance_weight", "smoothness_weight"):
            value = getattr(self, name)
            require(0 <= value <= 1e4, f"dense_crf/{name}", "0 .. 10000", value)
        for name in ("steps", "tried"):
            value = getattr(self, name)
            require(1 <= value <= 1000, f"dense_crf/{name}", "1 .. 1000", value)
        true_to_size = self.variant == "released" or self.filter == "exact"
        allowed = "exact with dense_crf/variant paper: a lattice makes kernels smaller by a half"
        require(true_to_size, "dense_crf/filter", allowed, self.filter)
        require(self.seed >= 0, "dense_crf/seed", ">= 0", self.seed)
