"""The section ``loss`` of a trial's configuration: weights and settings of its losses.

The weights have the papers' names: ``loss/beta``, ``loss/w_a``.
"""

from dataclasses import dataclass
from typing import Literal

from trainables.config.plugin_fields import PLUGIN, Added
from trainables.config.rival_losses import RivalLosses, check_rivals
from trainables.config.schedule import parse_schedules
from trainables.config.validation import Value, require, require_choices

_WEIGHTS = (
    *("xe", "beta", "gamma", "edge_attention", "lovasz", "w_a", "fkl", "gdl", "bl", "ar"),
    *("hausdorff", "correlation", "lambda_1", "lambda_2", "lambda_3", "lambda_geo"),
)
LEAST_TILE = 8
"""Pixels; in less, a boundary has no shape."""
_RESIZED = (672, 1344)


@dataclass(frozen=True, kw_only=True, slots=True)
class LossConfig(RivalLosses):
    """Weights of the loss terms and their settings. A weight of zero turns a term off."""

    xe: float = 1.0
    """Weight of the cross-entropy; the papers' sums all have it at 1."""

    class_weights: Literal["none", "frequency"] = "none"
    """``frequency``: 2 minus a class's share of the image, as in GSCNN and InverseForm's code."""

    beta: float = 0.0
    """Weight of the boundary cross-entropy (InverseForm, Eq. 6)."""

    gamma: float = 0.0
    """Weight of the InverseForm term (Eq. 6)."""

    tile: int = 32
    """Side of the square tiles that InverseForm compares, in pixels (Eq. 5); the image is padded
    with blanks to whole tiles."""

    tile_share: float = 0.0
    """The side as a share of the map's rows instead, so that it grows with the image: 1/3 in the
    released code; 0: ``tile`` pixels."""

    distance: Literal["euclidean", "geodesic"] = "euclidean"
    """Of a transformation from the identity: Eq. 1 on 6 coefficients, or Eq. 3 on 8."""

    geodesic: Literal["bounded", "printed"] = "bounded"
    """Eq. 3 with a bounded gradient, or as printed, by an SVD: that gradient has no bound."""

    lambda_geo: float = 0.1
    """Weight of the projection residual in the geodesic distance (``lambda`` in Eq. 3)."""

    tile_reduction: Literal["sum", "mean"] = "sum"
    """``sum`` over an image's tiles (Eq. 5) or ``mean`` (the released code)."""

    resize: Literal["none", "672x1344"] = "none"
    """Size to which InverseForm's maps are resized; the released code has 672x1344, tile 224."""

    boundary: Literal["sobel", "radius"] = "sobel"
    """InverseForm's boundary labels: the paper's filter, or a radius of 2 pixels (released)."""

    correlation: float = 0.0
    """Weight of the expected shift of the boundary by cross-correlation, in pixels: ours, of the
    rival that InverseForm names in 3.1; on the same tiles."""

    correlation_reach: int = 4
    """Largest shift that it looks at, in pixels each way."""

    correlation_sharpness: float = 20.0
    """Of its softmax over shifts, of which the best match then weighs most."""

    edge_attention: float = 0.0
    """Weight of the cross-entropy where the boundary head is sure (released code alone: 0.1)."""

    lovasz: float = 0.0
    """Weight of the Lovasz-softmax: ``IoU`` in Active Boundary Loss, Eq. 5."""

    lovasz_classes: Literal["present", "all"] = "present"
    """Classes over which the Lovasz-softmax is averaged."""

    lovasz_per_image: bool = True
    """Rank the pixels of each image by themselves; otherwise the value depends on the batch."""

    w_a: float = 0.0
    """Weight of the Active Boundary Loss (Eq. 5): 1.0 for ADE20K, 1.5 for Cityscapes."""

    theta: float = 20.0
    """Pixels from the boundary at which ABL's weight stops growing (Eq. 4)."""

    detach: bool = True
    """ABL's conflict suppression: neighbours get no gradient."""

    abl_smoothing: float = 0.2
    """ABL's label smoothing: what the true direction gives to the other seven."""

    abl_ratio: float = 0.01
    """Largest share of an image's pixels that ABL treats as predicted boundary."""

    fkl: float = 0.0
    """Weight of the full Kullback-Leibler loss (Active Boundary Loss, Eq. 7)."""

    gdl: float = 0.0
    """Weight of the generalised Dice loss."""

    bl: float = 0.0
    """Weight of Kervadec's boundary loss."""

    hausdorff: float = 0.0
    """Weight of the Hausdorff loss by distance transforms (Karimi and Salcudean)."""

    region_classes: Literal["all", "foreground"] = "all"
    """The classes of ``gdl``, ``bl``, ``hausdorff``, Dice, Tversky, Jaccard, Boundary DoU, clDice
    and ACE; ``foreground`` leaves out class 0."""

    alpha: Literal["none", "linear", "stealing"] = "none"
    """alpha GDL + (1 - alpha) (BL or ABL): alpha falls linearly from 1 to 0.01, or by stealing."""

    edge: Literal["before_relu", "after_relu", "ppce", "multi_task"] = "before_relu"
    """What lambda_1..3 weigh (SEMEDA, Table 1): the edge net's embeddings or output, or a head."""

    lambda_1: float = 0.0
    """Weight of the edge net's first layer; the only weight of ``ppce`` and ``multi_task``."""

    lambda_2: float = 0.0
    """Weight of its second layer; the paper found 1 here and 0 elsewhere best."""

    lambda_3: float = 0.0
    """Weight of its third layer."""

    edge_reduction: Literal["sum", "mean"] = "sum"
    """Over the channels of a layer: their sum, as Eq. 6 is printed, or their mean."""

    edge_norm: Literal["l1", "l2"] = "l1"
    """Of a difference of embeddings: |d|, or d squared ("L1 or L2", SEMEDA 4.3)."""

    ar: float = 0.0
    """Weight of the Affinity Regression loss (lambda there): 0.1 in the paper."""

    ar_kernel: Literal["square_root", "dot_product"] = "square_root"
    """How AR compares two distributions; ``dot_product`` is what the paper argues against."""

    ar_sampling: Literal["nearest", "average"] = "nearest"
    """Scores at AR's places: of the labels' pixels, or the mean of each cell's valid pixels."""

    schedule: str = ""
    """How weights change over training (``config/schedule.py``), such as ``w_a from 0.8``."""

    variant: Literal["paper", "released"] = "paper"
    """Which reading to use where the authors' code differs from their paper."""

    added: Added = ()
    """Fields of a plug-in's losses that differ from their defaults; addressed as ``loss/NAME``."""

    @property
    def resized(self) -> tuple[int, int] | None:
        """Rows and columns to which InverseForm's maps are resized; None: not at all."""
        return None if self.resize == "none" else _RESIZED

    def tile_px(self, rows: int) -> int:
        """The side of a tile in pixels, for maps with this many rows before they are resized."""
        rows = self.resized[0] if self.resized else rows
        return round(self.tile_share * rows) if self.tile_share else self.tile

    def plugin_field(self, name: str) -> Value:
        """The value of a field that the plug-in adds."""
        return PLUGIN.value("loss", self.added, name)

    def __post_init__(self) -> None:
        require_choices(self, "loss")
        for name in _WEIGHTS:
            weight = getattr(self, name)
            require(0 <= weight < float("inf"), f"loss/{name}", "a finite number >= 0", weight)
        check_rivals(self)
        for name in PLUGIN.weights:
            weight = self.plugin_field(name)
            finite = 0 <= float(weight) < float("inf")
            require(finite, f"loss/{name}", "a finite number >= 0", weight)
        require(self.tile >= LEAST_TILE, "loss/tile", f">= {LEAST_TILE}", self.tile)
        reach, sharp = self.correlation_reach, self.correlation_sharpness
        require(reach >= 1, "loss/correlation_reach", ">= 1", reach)
        finite = 0 < sharp < float("inf")
        require(finite, "loss/correlation_sharpness", "a finite number > 0", sharp)
        require(0 <= self.tile_share <= 1, "loss/tile_share", "0 .. 1", self.tile_share)
        require(0 < self.theta < float("inf"), "loss/theta", "a finite number > 0", self.theta)
        require(0 <= self.abl_smoothing < 1, "loss/abl_smoothing", "in [0, 1)", self.abl_smoothing)
        require(0 < self.abl_ratio <= 1, "loss/abl_ratio", "in (0, 1]", self.abl_ratio)
        if self.edge in ("ppce", "multi_task"):
            for name in ("lambda_2", "lambda_3"):
                only = f"0 with loss/edge {self.edge}, which has no layers"
                require(getattr(self, name) == 0, f"loss/{name}", only, getattr(self, name))
        if self.resize != "none":
            allowed = "none unless loss/variant is released"
            require(self.variant == "released", "loss/resize", allowed, self.resize)
        try:
            rules = parse_schedules(self.schedule)
        except ValueError as error:
            raise ValueError(f"loss/{error}") from None
        if self.alpha != "none":
            free = not {"gdl", "bl", "w_a"} & rules.keys()
            require(free, "loss/schedule", "without gdl, bl, w_a beside loss/alpha", self.schedule)
