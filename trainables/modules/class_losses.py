"""Losses of class scores, each named as in its paper. Shape letters: B, K classes, H, W."""

from dataclasses import dataclass

from torch import Tensor

from trainables.geometry.boundaries import Variant
from trainables.losses import active_boundary as abl
from trainables.losses import affinity_regression as ar
from trainables.losses import cross_entropy as entropy
from trainables.losses import full_divergence as fkl
from trainables.losses import generalised_dice as dice
from trainables.losses import hausdorff as distance
from trainables.losses import kervadec, lovasz
from trainables.losses.inputs import RegionClasses
from trainables.losses.term import LossTerm
from trainables.modules.loss_module import ClassLoss


@dataclass(eq=False, repr=False, kw_only=True)
class CrossEntropy(ClassLoss):
    """The mean of -log p(label) over valid pixels, in nats (InverseForm, Eq. 6; SEMEDA, Eq. 3)."""

    label_smoothing: float = 0.0
    """s in [0, 1): the target is 1 - s, and s / (K - 1) for each other class."""
    variant: Variant = "paper"
    """"released" gives s / K to each other class, as the code from which ABL takes it does."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        smoothing = self.label_smoothing
        return entropy.cross_entropy(
            logits_BKHW, labels_BHW, label_smoothing=smoothing, variant=self.variant
        )


@dataclass(eq=False, repr=False, kw_only=True)
class BalancedCrossEntropy(ClassLoss):
    """Cross-entropy in which a class weighs 2 - its share of the image (GSCNN; InverseForm's code).

    The mean over images of each one's weighted mean, in nats.
    """

    variant: Variant = "paper"
    """"released" takes the shares of the batch, and sums over images."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return entropy.balanced_cross_entropy(logits_BKHW, labels_BHW, variant=self.variant)


@dataclass(eq=False, repr=False, kw_only=True)
class LovaszSoftmax(ClassLoss):
    """A surrogate of 1 - IoU, in [0, 1] (Berman, Triki and Blaschko, CVPR 2018, Eq. 11)."""

    by_hand = True

    classes: lovasz.Classes = "present"
    """What to average over: those "present" in the image, "all", or a list of different classes."""
    per_image: bool = True
    """Rank the pixels of each image by themselves; False ranks those of the batch together."""
    variant: Variant = "paper"
    """"released" breaks ties differently."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return lovasz.lovasz_softmax(
            logits_BKHW,
            labels_BHW,
            classes=self.classes,
            per_image=self.per_image,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class ActiveBoundary(ClassLoss):
    """ABL (Wang et al., AAAI 2022, Eq. 4): where should each predicted boundary pixel move?

    Beside cross-entropy and Lovasz-softmax; the paper's weight is 1.0 to 1.5. In nats.
    """

    by_hand = True

    theta: float = 20.0
    """Pixels from the true boundary at which the weight of a pixel stops growing; > 0."""
    detach: bool = True
    """Neighbours get no gradient: the paper's conflict suppression."""
    label_smoothing: float = 0.2
    """What the true direction gives to the other seven; in [0, 1)."""
    max_ratio: float = 0.01
    """The largest share of an image's pixels that is predicted boundary; in (0, 1]."""
    variant: Variant = "paper"
    """"released": the authors' code where it differs from the equations."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return abl.active_boundary(
            logits_BKHW,
            labels_BHW,
            theta=self.theta,
            detach=self.detach,
            label_smoothing=self.label_smoothing,
            max_ratio=self.max_ratio,
            variant=self.variant,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class FullDivergence(ClassLoss):
    """FKL (ABL's paper, Eq. 7): cross-entropy of sigmoid(KL) at every edge of the pixel grid."""

    by_hand = True

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return fkl.full_divergence(logits_BKHW, labels_BHW)


@dataclass(eq=False, repr=False, kw_only=True)
class GeneralisedDice(ClassLoss):
    """1 - generalised Dice of each image, in [0, 1] (Sudre et al., DLMIA 2017)."""

    by_hand = True

    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""
    variant: Variant = "paper"
    """"released" weighs absent classes as the authors' code does."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return dice.generalised_dice(
            logits_BKHW, labels_BHW, classes=self.classes, variant=self.variant
        )


@dataclass(eq=False, repr=False, kw_only=True)
class BoundaryLoss(ClassLoss):
    """Kervadec's boundary loss (MIDL 2019, Eq. 5): mean of probability times signed distance.

    In pixels; a good prediction is negative. The paper adds it to generalised Dice.
    """

    by_hand = True

    classes: RegionClasses = "all"
    """"foreground" leaves out class 0, as the paper's binary case does."""
    variant: Variant = "paper"
    """"released": the distance maps of the authors' code."""
    truncate: bool = False
    """Round the maps toward zero, as their data loader does; "released" only."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return kervadec.boundary_loss(
            logits_BKHW,
            labels_BHW,
            classes=self.classes,
            variant=self.variant,
            truncate=self.truncate,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class Hausdorff(ClassLoss):
    """Mean of (p - t)^2 (d_t^2 + d_p^2), in pixels^2 (Karimi and Salcudean, TMI 2020)."""

    by_hand = True

    classes: RegionClasses = "all"
    """"foreground" leaves out class 0."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return distance.hausdorff(logits_BKHW, labels_BHW, classes=self.classes)


@dataclass(eq=False, repr=False, kw_only=True)
class AffinityRegression(ClassLoss):
    """Affinity Regression (Cao, arXiv 2103.04990, Eq. 8 to 10): do two places have one label?

    Mean squared error over pairs of 180 places, in [0, 1]; the paper's weight is 0.1.
    """

    kernel: ar.Kernel = "square_root"
    """"dot_product" is what the paper argues against."""
    sampling: ar.Sampling = "nearest"
    """Scores of the labels' pixels, or the mean of each cell's valid pixels."""

    def term(self, logits_BKHW: Tensor, labels_BHW: Tensor) -> LossTerm:
        return ar.affinity_regression(
            logits_BKHW, labels_BHW, kernel=self.kernel, sampling=self.sampling
        )
