"""The cells of losses beside those of the four papers, each from its paper's weights."""

from optuna.distributions import FloatDistribution

from search_spaces.grid import Cell, Changes
from search_spaces.learning_rate import LEARNING_RATE
from search_spaces.space import Dimension


def searched(path: str, low: float, high: float, why: str, *, log: bool = False) -> Dimension:
    """A field that a cell searches beside the rate."""
    return Dimension(path=path, distribution=FloatDistribution(low, high, log=log), why=why)


def weight_of_one(path: str, source: str) -> Dimension:
    """A weight that is 1 in a paper, searched over a decade either way."""
    return searched(path, 0.1, 10.0, f"1 in {source}; a decade either way", log=True)


def _cell(name: str, changes: Changes, *dimensions: Dimension) -> Cell:
    return Cell(name=name, changes=changes, searched=(LEARNING_RATE, *dimensions))


_ALONE: Changes = {"loss/xe": 0.0}
"""Losses that stand for the cross-entropy, as their papers train with them alone."""

RIVAL_CELLS = (
    _cell("dice", {"loss/dice_loss": 1.0}, weight_of_one("loss/dice_loss", "nnU-Net, with CE")),
    _cell(
        "tversky",
        {"loss/tversky_loss": 1.0},
        weight_of_one("loss/tversky_loss", "Salehi et al., alone"),
        searched("loss/tversky_loss_beta", 0.5, 0.9, "the range of their Table 1; alpha is 0.3"),
    ),
    _cell(
        "focal",
        {**_ALONE, "loss/focal_loss": 1.0},
        searched("loss/focal_loss_gamma", 0.5, 5.0, "the range of Lin et al., Table 1b"),
    ),
    _cell(
        "unified_focal",
        {**_ALONE, "loss/multiclass_unified_focal": 1.0},
        searched("loss/multiclass_unified_focal_gamma", 0.1, 0.9, "the range of Yeung et al."),
    ),
    _cell(
        "soft_cldice",
        {**_ALONE, "loss/dice_loss": 0.5, "loss/soft_cldice": 0.5},
        searched("loss/soft_cldice", 0.05, 0.5, "alpha up to 0.5 in Shit et al.", log=True),
    ),
    _cell("scnp", {**_ALONE, "loss/scnp": 1.0}),
    _cell("boundary_dou", {**_ALONE, "loss/boundary_dou_loss": 1.0}),
    _cell(
        "hausdorff",
        {"loss/hausdorff": 0.01},
        searched(
            "loss/hausdorff",
            0.001,
            0.1,
            "squared pixels: Karimi and Salcudean scale it to the size of Dice in every epoch",
            log=True,
        ),
    ),
    _cell(
        "jaccard",
        {"loss/jaccard_metric_loss": 1.0},
        weight_of_one("loss/jaccard_metric_loss", "Wang et al., beside CE"),
    ),
    _cell(
        "affinity_field",
        {"loss/affinity_field": 1.0},
        weight_of_one("loss/affinity_field", "Ke et al., beside CE"),
    ),
    _cell(
        "rmi",
        {**_ALONE, "loss/rmi": 1.0},
        searched("loss/rmi_share", 0.1, 0.9, "0.5 in Zhao et al.; the rest is RMI"),
    ),
    _cell(
        "dual_task",
        {"loss/dual_task": 1.0},
        weight_of_one("loss/dual_task", "GSCNN, beside CE"),
    ),
    _cell(
        "ohem",
        {**_ALONE, "loss/ohem_cross_entropy": 1.0},
        searched("loss/ohem_cross_entropy_threshold", 0.5, 0.9, "0.7 in HRNet, 0.9 in PIDNet"),
    ),
    _cell(
        "margin_smoothing",
        {"loss/margin_smoothing": 0.1},
        searched(
            "loss/margin_smoothing", 0.01, 1.0, "0.1 in Liu et al.; a decade either way", log=True
        ),
    ),
    _cell(
        "l1_ace",
        {"loss/l1_ace": 1.0},
        weight_of_one("loss/l1_ace", "Barfoot et al., beside CE and Dice"),
    ),
)
