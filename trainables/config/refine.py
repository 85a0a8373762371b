"""The sections ``refine``, ``segfix`` and ``dense_crf``: what corrects a trained network's test.

Refinement trains nothing of the segmentation network. It changes the predictions of the test list,
and of images that are predicted later; validation after each epoch measures the network alone.
"""

from dataclasses import dataclass
from typing import Literal

from trainables.config.validation import require, require_choices


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

    network: Literal["fpn", "hrnet_w18"] = "fpn"
    """``fpn``: on a small encoder; ``hrnet_w18``: the paper's kind of backbone."""

    directions: Literal[8, 4] = 8
    """Bins of the direction to the interior."""

    seed: int = 0
    """Of its weights and crops."""

    def __post_init__(self) -> None:
        require_choices(self, "segfix")
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
    ``paper``: neither, as in Eq. 4."""

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
        require(self.seed >= 0, "dense_crf/seed", ">= 0", self.seed)
