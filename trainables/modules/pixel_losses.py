"""Losses of pixels and neighbours, each with its paper. Shape letters: B, K classes, H, W."""

from dataclasses import dataclass

from torch import Tensor

from trainables.geometry.boundaries import Variant
from trainables.losses import (
    affinity_field,
    calibration,
    dual_task,
    focal,
    hard_pixels,
    margin_smoothing,
    rmi,
    scnp,
    unified_focal,
)
from trainables.losses.inputs import RegionClasses
from trainables.losses.term import LossTerm
from trainables.modules.loss_module import ClassLoss


@dataclass(eq=False, repr=False, kw_only=True)
class FocalLoss(ClassLoss):
    """-(1 - p)^gamma log p, in nats (Lin et al., ICCV 2017, Eq. 4)."""

    by_hand = True

    gamma: float = 2.0
    """>= 0; 0 is cross-entropy."""
    form: focal.Form = "softmax"
    """"sigmoid" takes each class against the rest, as the paper does."""
    alpha: float = 0.0
    """Weight of the class against the rest, 1 - alpha; 0: none. With "sigmoid" only."""
    variant: Variant = "paper"
    """"released" (monai) divides "softmax" by the number of classes."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return focal.focal_loss(
            logits_BKHW,
            labels_BHW,
            gamma=self.gamma,
            form=self.form,
            alpha=self.alpha,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class MulticlassUnifiedFocal(ClassLoss):
    """Unified focal loss (Yeung et al., CMIG 2022) for two classes; ours for more."""

    by_hand = True

    share: float = 0.5
    """Of the focal Tversky part; the rest is focal cross-entropy."""
    delta: float = 0.6
    """Of the foreground, and of false negatives."""
    gamma: float = 0.5
    """How much it focuses; in [0, 1)."""
    form: unified_focal.Form = "asymmetric"
    """"symmetric" focuses background and foreground alike."""
    variant: Variant = "paper"
    """"released" counts classes that an image lacks, and smooths both sums by 1e-6."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return unified_focal.multiclass_unified_focal(
            logits_BKHW,
            labels_BHW,
            share=self.share,
            delta=self.delta,
            gamma=self.gamma,
            form=self.form,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class OHEMCrossEntropy(ClassLoss):
    """Cross-entropy of hard pixels alone, in nats (Shrivastava et al., CVPR 2016)."""

    threshold: float = 0.7
    """Probability of the label below which a pixel is hard."""
    share: float = 0.1
    """Least share of an image's pixels that counts."""
    kept: int = 100_000
    """Least number of the batch's pixels, with "released"."""
    variant: Variant = "paper"
    """"released" (HRNet, PIDNet) ranks the pixels of the batch together."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return hard_pixels.ohem_cross_entropy(
            logits_BKHW,
            labels_BHW,
            threshold=self.threshold,
            share=self.share,
            kept=self.kept,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class SCNP(ClassLoss):
    """Cross-entropy plus Dice of the worst logits around each pixel (CVPR 2026)."""

    by_hand = True

    size: int = 3
    """Side of the neighbourhood in pixels, odd."""
    variant: Variant = "paper"
    """"released" has -Dice in place of 1 - Dice, over all classes."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return scnp.scnp(logits_BKHW, labels_BHW, size=self.size, variant=self.variant)


@dataclass(eq=False, repr=False, kw_only=True)
class MarginSmoothing(ClassLoss):
    """Margin-based label smoothing without its cross-entropy (Liu et al., CVPR 2022, Eq. 8)."""

    by_hand = True

    margin: float = 10.0
    """How far a logit may be below the largest."""
    variant: Variant = "paper"
    """"released" averages over the classes, too."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return margin_smoothing.margin_smoothing(
            logits_BKHW, labels_BHW, margin=self.margin, variant=self.variant
        )


@dataclass(eq=False, repr=False, kw_only=True)
class L1ACE(ClassLoss):
    """Average calibration error, in [0, 1] (mL1-ACE, arXiv 2506.03942)."""

    by_hand = True

    bins: int = 20
    """Bins of confidence."""
    binning: calibration.Binning = "hard"
    """A probability in one bin, or shared by the two nearest centres."""
    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""
    variant: Variant = "paper"
    """"released" counts classes that an image lacks as zeros."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return calibration.l1_ace(
            logits_BKHW,
            labels_BHW,
            bins=self.bins,
            binning=self.binning,
            classes=self.classes,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class AffinityField(ClassLoss):
    """Affinity fields of one size, in nats (Ke et al., ECCV 2018, Eq. 3)."""

    by_hand = True

    distance: int = 1
    """To each of the 8 neighbours, in pixels."""
    margin: float = 3.0
    """Least divergence between neighbours of different classes, in nats."""
    variant: Variant = "paper"
    """"released" takes its means over the batch."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return affinity_field.affinity_field(
            logits_BKHW,
            labels_BHW,
            distance=self.distance,
            margin=self.margin,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class RMI(ClassLoss):
    """Region mutual information mixed with binary cross-entropy (Zhao et al., NeurIPS 2019)."""

    by_hand = True

    share: float = 0.5
    """Of the binary cross-entropy."""
    form: rmi.Form = "mixed"
    """"added" is the binary cross-entropy plus ``share`` of the RMI."""
    pool: rmi.Pool = "average"
    """What makes maps smaller: windows' "average" or "max", or "resize"."""
    downsampling: int = 4
    """How many times smaller; 1: as they are."""
    variant: Variant = "paper"
    """"released" takes the binary cross-entropy over the batch, and counts void images."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return rmi.rmi(
            logits_BKHW,
            labels_BHW,
            share=self.share,
            form=self.form,
            pool=self.pool,
            downsampling=self.downsampling,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class DualTask(ClassLoss):
    """Difference of predicted and true boundaries near both (GSCNN, ICCV 2019, Sec. 3.2)."""

    sigma: float = 2.0
    """Of the Gaussian before the gradient, in pixels."""
    variant: Variant = "paper"
    """"released" has neither Gaussian nor gradient, nor noise here."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return dual_task.dual_task(logits_BKHW, labels_BHW, sigma=self.sigma, variant=self.variant)
