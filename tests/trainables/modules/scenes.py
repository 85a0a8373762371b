"""A batch, and every loss as a module with the study's fields that mean the same.

Shape letters: B images, K classes, H rows, W columns.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.config import TrialConfig, Value
from trainables.losses.batch import Learned
from trainables.modules import class_losses as of_classes
from trainables.modules import head_losses as of_head
from trainables.modules import overlap_losses as of_overlap
from trainables.modules import pixel_losses as of_pixels
from trainables.modules import stage_losses as of_stage
from trainables.modules.loss_module import HeadLoss, LossModule
from trainables.stages.registry import untrained
from trainables.stages.stage_network import StageNetwork

CLASSES = 3
NETWORKS: dict[str, Value] = {"loss/tile": 16, "inverse_net/units": "8"}
"""Small: what the networks have learned does not matter here."""


class Scene(NamedTuple):
    logits: Tensor
    labels: Tensor
    boundary_logits: Tensor

    def loss(self, module: LossModule) -> Tensor:
        """The module's value on this batch."""
        head = (self.boundary_logits,) if isinstance(module, HeadLoss) else ()
        value: Tensor = module(self.logits, self.labels, *head)
        return value

    def leaves(self) -> list[Tensor]:
        return [self.logits, self.boundary_logits]


def scene(dtype: torch.dtype = torch.float32, size: tuple[int, int] = (24, 32)) -> Scene:
    """Blobs of three classes with a void rim, and random scores."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = size
    logits = torch.randn(2, CLASSES, rows, columns, generator=generator, dtype=torch.float64)
    labels = torch.randint(CLASSES, (2, rows // 8, columns // 8), generator=generator)
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    labels[:, :3] = 255
    boundary = torch.randn(2, rows, columns, generator=generator, dtype=torch.float64)
    return Scene(logits.to(dtype).requires_grad_(), labels, boundary.to(dtype).requires_grad_())


@cache
def learned() -> Learned:
    """The untrained networks that the losses share."""
    config = TrialConfig().changed({**NETWORKS, "loss/gamma": 1.0, "loss/lambda_2": 1.0})
    return untrained(config, CLASSES)


def stage(kind: str) -> StageNetwork:
    network = getattr(learned(), kind)
    return StageNetwork(kind, network, TrialConfig().changed(NETWORKS), CLASSES)


def modules() -> dict[str, tuple[LossModule, dict[str, Value]]]:
    """By term of ``TERMS`` and a suffix: the module, and the fields of ``LossConfig``."""
    inverse, edge = stage("inverse_net"), stage("edge_net")
    return {
        "cross_entropy": (of_classes.CrossEntropy(), {}),
        "cross_entropy balanced": (
            of_classes.BalancedCrossEntropy(),
            {"class_weights": "frequency"},
        ),
        "lovasz": (of_classes.LovaszSoftmax(), {"lovasz": 1.0}),
        "active_boundary": (
            of_classes.ActiveBoundary(theta=5.0, max_ratio=0.1),
            {"w_a": 1.0, "theta": 5.0, "abl_ratio": 0.1},
        ),
        "active_boundary attached": (
            of_classes.ActiveBoundary(detach=False, max_ratio=0.1),
            {"w_a": 1.0, "detach": False, "abl_ratio": 0.1},
        ),
        "full_divergence": (of_classes.FullDivergence(), {"fkl": 1.0}),
        "generalised_dice": (of_classes.GeneralisedDice(), {"gdl": 1.0}),
        "boundary_loss": (
            of_classes.BoundaryLoss(classes="foreground"),
            {"bl": 1.0, "region_classes": "foreground"},
        ),
        "hausdorff": (of_classes.Hausdorff(), {"hausdorff": 1.0}),
        "affinity_regression": (of_classes.AffinityRegression(), {"ar": 1.0}),
        "boundary_cross_entropy": (of_head.BoundaryCrossEntropy(), {"beta": 1.0}),
        "edge_attention": (
            of_head.EdgeAttention(confident_on="probability"),
            {"edge_attention": 1.0, "edge_attention_on": "probability"},
        ),
        "boundary_correlation": (
            of_head.BoundaryCorrelation(tile=16),
            {"correlation": 1.0, "tile": 16},
        ),
        "inverse_form": (of_stage.InverseForm(stage=inverse), {"gamma": 1.0, "tile": 16}),
        "edge": (of_stage.SEMEDA(stage=edge), {"lambda_2": 1.0}),
        "edge ppce": (of_stage.PPCEOnEdges(stage=edge), {"edge": "ppce", "lambda_1": 1.0}),
        "edge head": (of_head.EdgeHead(), {"edge": "multi_task", "lambda_1": 1.0}),
        **rivals(),
    }


def rivals() -> dict[str, tuple[LossModule, dict[str, Value]]]:
    """The losses beside those of the four papers."""
    return {
        "dice_loss": (of_overlap.DiceLoss(squared=True), {"dice_loss_squared": True}),
        "tversky_loss": (
            of_overlap.TverskyLoss(power=0.75, per_image=False),
            {"tversky_loss_power": 0.75, "overlap_per_image": False},
        ),
        "jaccard_metric_loss": (
            of_overlap.JaccardMetricLoss(average="dataset"),
            {"jaccard_metric_loss_average": "dataset"},
        ),
        "boundary_dou_loss": (
            of_overlap.BoundaryDoULoss(classes="foreground"),
            {"region_classes": "foreground"},
        ),
        "soft_cldice": (of_overlap.SoftClDice(iterations=1), {"soft_cldice_iterations": 1}),
        "focal_loss": (of_pixels.FocalLoss(gamma=1.0), {"focal_loss_gamma": 1.0}),
        "multiclass_unified_focal": (
            of_pixels.MulticlassUnifiedFocal(form="symmetric"),
            {"multiclass_unified_focal_form": "symmetric"},
        ),
        "ohem_cross_entropy": (
            of_pixels.OHEMCrossEntropy(share=0.5, threshold=0.1),
            {"ohem_cross_entropy_share": 0.5, "ohem_cross_entropy_threshold": 0.1},
        ),
        "scnp": (of_pixels.SCNP(size=5), {"scnp_size": 5}),
        "margin_smoothing": (
            of_pixels.MarginSmoothing(margin=1.0),
            {"margin_smoothing_margin": 1.0},
        ),
        "l1_ace": (of_pixels.L1ACE(bins=7), {"l1_ace_bins": 7}),
        "dual_task": (of_pixels.DualTask(sigma=1.0), {"dual_task_sigma": 1.0}),
        "affinity_field": (of_pixels.AffinityField(distance=2), {"affinity_field_distance": 2}),
        "rmi": (
            of_pixels.RMI(downsampling=2, share=0.25),
            {"rmi_downsampling": 2, "rmi_share": 0.25},
        ),
    }
