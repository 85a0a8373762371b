"""Edgewise's losses for any training script: each as a module, and as a function.

    from edgewise.losses import ActiveBoundary, active_boundary

    loss = ActiveBoundary(theta=20.0)(logits, labels)      # a torch.nn.Module
    loss = active_boundary(logits, labels, theta=20.0)     # the same value

``logits`` are (B,K,H,W), before the softmax; ``labels`` integers (B,H,W), 255 for void. Losses of a
boundary head also take its ``boundary_logits``, (B,H,W) or (B,1,H,W). Ours are plain tensors: no
Ray, no MLflow, no Optuna, and importing them changes no setting of the process.

Losses of other maps are functions of a prediction, the truth and where it is valid:

    loss = depth_berhu(depth, true_depth, true_depth > 0)
"""

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
from trainables.modules.functions import (
    active_boundary,
    affinity_field,
    affinity_regression,
    balanced_cross_entropy,
    boundary_correlation,
    boundary_cross_entropy,
    boundary_dou_loss,
    boundary_loss,
    cross_entropy,
    dice_loss,
    dual_task,
    edge_attention,
    edge_head,
    focal_loss,
    full_divergence,
    generalised_dice,
    hausdorff,
    inverse_form,
    jaccard_metric_loss,
    l1_ace,
    lovasz_softmax,
    margin_smoothing,
    multiclass_unified_focal,
    ohem_cross_entropy,
    ppce_on_edges,
    rmi,
    scnp,
    semeda,
    soft_cldice,
    tversky_loss,
)
from trainables.modules.head_losses import (
    BoundaryCorrelation,
    BoundaryCrossEntropy,
    EdgeAttention,
    EdgeHead,
)
from trainables.modules.loss_module import ClassLoss, HeadLoss, LossModule
from trainables.modules.map_losses import (
    depth_berhu,
    depth_l1,
    edge_cross_entropy,
    normals_cosine,
    normals_l1,
    saliency_cross_entropy,
)
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

__all__ = [
    "L1ACE",
    "RMI",
    "SCNP",
    "SEMEDA",
    "ActiveBoundary",
    "AffinityField",
    "AffinityRegression",
    "BalancedCrossEntropy",
    "BoundaryCorrelation",
    "BoundaryCrossEntropy",
    "BoundaryDoULoss",
    "BoundaryLoss",
    "ClassLoss",
    "CrossEntropy",
    "DiceLoss",
    "DualTask",
    "EdgeAttention",
    "EdgeHead",
    "FocalLoss",
    "FullDivergence",
    "GeneralisedDice",
    "Hausdorff",
    "HeadLoss",
    "InverseForm",
    "JaccardMetricLoss",
    "LossModule",
    "LovaszSoftmax",
    "MarginSmoothing",
    "MulticlassUnifiedFocal",
    "OHEMCrossEntropy",
    "PPCEOnEdges",
    "SoftClDice",
    "TverskyLoss",
    "active_boundary",
    "affinity_field",
    "affinity_regression",
    "balanced_cross_entropy",
    "boundary_correlation",
    "boundary_cross_entropy",
    "boundary_dou_loss",
    "boundary_loss",
    "cross_entropy",
    "depth_berhu",
    "depth_l1",
    "dice_loss",
    "dual_task",
    "edge_attention",
    "edge_cross_entropy",
    "edge_head",
    "focal_loss",
    "full_divergence",
    "generalised_dice",
    "hausdorff",
    "inverse_form",
    "jaccard_metric_loss",
    "l1_ace",
    "lovasz_softmax",
    "margin_smoothing",
    "multiclass_unified_focal",
    "normals_cosine",
    "normals_l1",
    "ohem_cross_entropy",
    "ppce_on_edges",
    "rmi",
    "saliency_cross_entropy",
    "scnp",
    "semeda",
    "soft_cldice",
    "tversky_loss",
]
