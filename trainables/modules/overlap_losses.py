"""Losses of overlap, each with its paper. Shape letters: B images, K classes, H rows, W columns."""

from dataclasses import dataclass

from torch import Tensor

from trainables.geometry.boundaries import Variant
from trainables.losses import boundary_dou, jaccard, overlap, soft_cldice
from trainables.losses.inputs import RegionClasses
from trainables.losses.term import LossTerm
from trainables.modules.loss_module import ClassLoss


@dataclass(eq=False, repr=False, kw_only=True)
class DiceLoss(ClassLoss):
    """1 - 2 |P G| / (|P| + |G|) of each class, in [0, 1] (Drozdzal et al., 2016)."""

    by_hand = True

    squared: bool = False
    """P^2 and G^2 in the denominator (V-Net, Milletari et al., 3DV 2016)."""
    per_image: bool = True
    """False adds up the images first; the value then depends on the batch."""
    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""
    variant: Variant = "paper"
    """"released" (monai) counts classes that an image lacks, and smooths both sums by 1e-5."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return overlap.dice_loss(
            logits_BKHW,
            labels_BHW,
            squared=self.squared,
            per_image=self.per_image,
            classes=self.classes,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class TverskyLoss(ClassLoss):
    """1 - Tversky index of each class, in [0, 1] (Salehi et al., MLMI 2017, Eq. 4)."""

    by_hand = True

    alpha: float = 0.3
    """Of false positives; > 0."""
    beta: float = 0.7
    """Of false negatives; > 0."""
    power: float = 1.0
    """0.75 makes it the focal Tversky loss (Abraham and Khan, ISBI 2019)."""
    per_image: bool = True
    """False adds up the images first; the value then depends on the batch."""
    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""
    variant: Variant = "paper"
    """"released" counts classes that an image lacks, and smooths both sums by 1e-6."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return overlap.tversky_loss(
            logits_BKHW,
            labels_BHW,
            alpha=self.alpha,
            beta=self.beta,
            power=self.power,
            per_image=self.per_image,
            classes=self.classes,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class JaccardMetricLoss(ClassLoss):
    """1 - soft IoU, in [0, 1] (Wang et al., NeurIPS 2023): right for soft labels, too."""

    by_hand = True

    average: jaccard.Average = "image"
    """mIoU^I, "class" mIoU^C or "dataset" mIoU^D; the last two depend on the batch."""
    label_smoothing: float = 0.0
    """s in [0, 1): the label is 1 - s + s / K, each other class s / K."""
    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""
    variant: Variant = "paper"
    """"released" smooths both sums by 1e-3."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return jaccard.jaccard_metric_loss(
            logits_BKHW,
            labels_BHW,
            average=self.average,
            label_smoothing=self.label_smoothing,
            classes=self.classes,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class BoundaryDoULoss(ClassLoss):
    """Boundary difference over union, in [0, 1] (Sun et al., MICCAI 2023, Eq. 3)."""

    by_hand = True

    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""
    variant: Variant = "paper"
    """"released" adds up the batch first, and counts absent classes as 1."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return boundary_dou.boundary_dou_loss(
            logits_BKHW, labels_BHW, classes=self.classes, variant=self.variant
        )


@dataclass(eq=False, repr=False, kw_only=True)
class SoftClDice(ClassLoss):
    """1 - soft clDice, in [0, 1] (Shit et al., CVPR 2021); the paper adds it to soft Dice."""

    by_hand = True

    iterations: int = 3
    """The widest radius that is thinned to a line, in pixels."""
    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""
    variant: Variant = "paper"
    """"released" pools images and classes into one ratio, with 10 iterations."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return soft_cldice.soft_cldice(
            logits_BKHW,
            labels_BHW,
            iterations=self.iterations,
            classes=self.classes,
            variant=self.variant,
        )
