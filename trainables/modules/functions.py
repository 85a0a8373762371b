"""Each loss as a function: (logits, labels[, boundary_logits], *, settings) -> scalar."""

from trainables.modules.class_losses import (
    ActiveBoundary,
    AffinityRegression,
    BalancedCrossEntropy,
    BoundaryLoss,
    CrossEntropy,
    FullDivergence,
    GeneralisedDice,
    Hausdorff,
    LovaszSoftmax,
)
from trainables.modules.head_losses import (
    BoundaryCorrelation,
    BoundaryCrossEntropy,
    EdgeAttention,
    EdgeHead,
)
from trainables.modules.loss_module import function_of, head_function_of
from trainables.modules.overlap_losses import (
    BoundaryDoULoss,
    DiceLoss,
    JaccardMetricLoss,
    SoftClDice,
    TverskyLoss,
)
from trainables.modules.pixel_losses import (
    L1ACE,
    RMI,
    SCNP,
    AffinityField,
    DualTask,
    FocalLoss,
    MarginSmoothing,
    MulticlassUnifiedFocal,
    OHEMCrossEntropy,
)
from trainables.modules.stage_losses import SEMEDA, InverseForm, PPCEOnEdges

active_boundary = function_of(ActiveBoundary, "active_boundary")
affinity_regression = function_of(AffinityRegression, "affinity_regression")
balanced_cross_entropy = function_of(BalancedCrossEntropy, "balanced_cross_entropy")
boundary_loss = function_of(BoundaryLoss, "boundary_loss")
cross_entropy = function_of(CrossEntropy, "cross_entropy")
full_divergence = function_of(FullDivergence, "full_divergence")
generalised_dice = function_of(GeneralisedDice, "generalised_dice")
hausdorff = function_of(Hausdorff, "hausdorff")
lovasz_softmax = function_of(LovaszSoftmax, "lovasz_softmax")
ppce_on_edges = function_of(PPCEOnEdges, "ppce_on_edges")
semeda = function_of(SEMEDA, "semeda")

affinity_field = function_of(AffinityField, "affinity_field")
boundary_dou_loss = function_of(BoundaryDoULoss, "boundary_dou_loss")
dice_loss = function_of(DiceLoss, "dice_loss")
dual_task = function_of(DualTask, "dual_task")
focal_loss = function_of(FocalLoss, "focal_loss")
jaccard_metric_loss = function_of(JaccardMetricLoss, "jaccard_metric_loss")
l1_ace = function_of(L1ACE, "l1_ace")
margin_smoothing = function_of(MarginSmoothing, "margin_smoothing")
multiclass_unified_focal = function_of(MulticlassUnifiedFocal, "multiclass_unified_focal")
ohem_cross_entropy = function_of(OHEMCrossEntropy, "ohem_cross_entropy")
rmi = function_of(RMI, "rmi")
scnp = function_of(SCNP, "scnp")
soft_cldice = function_of(SoftClDice, "soft_cldice")
tversky_loss = function_of(TverskyLoss, "tversky_loss")

boundary_correlation = head_function_of(BoundaryCorrelation, "boundary_correlation")
boundary_cross_entropy = head_function_of(BoundaryCrossEntropy, "boundary_cross_entropy")
edge_attention = head_function_of(EdgeAttention, "edge_attention")
edge_head = head_function_of(EdgeHead, "edge_head")
inverse_form = head_function_of(InverseForm, "inverse_form")
