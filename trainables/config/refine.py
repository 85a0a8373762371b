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

    steps: int = 10
    """Of mean field."""

    def __post_init__(self) -> None:
        require(self.steps >= 1, "dense_crf/steps", ">= 1", self.steps)
