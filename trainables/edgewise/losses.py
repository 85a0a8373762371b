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
    affinity_regression,
    balanced_cross_entropy,
    boundary_correlation,
    boundary_cross_entropy,
    boundary_loss,
    cross_entropy,
    edge_attention,
    edge_head,
    full_divergence,
    generalised_dice,
    hausdorff,
    inverse_form,
    lovasz_softmax,
    ppce_on_edges,
    semeda,
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
from trainables.modules.stage_losses import SEMEDA, InverseForm, PPCEOnEdges

__all__ = [
    "SEMEDA",
    "ActiveBoundary",
    "AffinityRegression",
    "BalancedCrossEntropy",
    "BoundaryCorrelation",
    "BoundaryCrossEntropy",
    "BoundaryLoss",
    "ClassLoss",
    "CrossEntropy",
    "EdgeAttention",
    "EdgeHead",
    "FullDivergence",
    "GeneralisedDice",
    "Hausdorff",
    "HeadLoss",
    "InverseForm",
    "LossModule",
    "LovaszSoftmax",
    "PPCEOnEdges",
    "active_boundary",
    "affinity_regression",
    "balanced_cross_entropy",
    "boundary_correlation",
    "boundary_cross_entropy",
    "boundary_loss",
    "cross_entropy",
    "depth_berhu",
    "depth_l1",
    "edge_attention",
    "edge_cross_entropy",
    "edge_head",
    "full_divergence",
    "generalised_dice",
    "hausdorff",
    "inverse_form",
    "lovasz_softmax",
    "normals_cosine",
    "normals_l1",
    "ppce_on_edges",
    "saliency_cross_entropy",
    "semeda",
]
