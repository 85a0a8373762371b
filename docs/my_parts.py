"""An example of a plug-in: the focal loss, a search space and a grid for it.

python study/run.py --with docs/my_parts.py --space focal
"""

import torch
from optuna.distributions import FloatDistribution

from search_spaces import Cell, Dimension, Grid, Space
from trainables.losses.term import LossTerm
from trainables.losses.terms import Prediction, Target


def focal(prediction: Prediction, target: Target, *, power: float = 2.0) -> LossTerm:
    """Lin et al., ICCV 2017, Eq. 4: each pixel's cross-entropy times (1 - p) ** power.

    The factor is computed as exp(power * log(1 - p)) from the logits of the other classes: x ** 0.5
    has no derivative at 0, so (1 - p) ** power would give NaN where p is 1, and at void pixels.
    """
    logits_BKHW = prediction.logits_BKHW.float()
    label_B1HW = target.labels_BHW.where(target.valid_BHW, 0).unsqueeze(1)
    others_BKHW = logits_BKHW.scatter(1, label_B1HW, float("-inf"))
    log_sum_BHW = logits_BKHW.logsumexp(dim=1)
    loss_BHW = log_sum_BHW - logits_BKHW.gather(1, label_B1HW).squeeze(1)
    weight_BHW = torch.exp(power * (others_BKHW.logsumexp(dim=1) - log_sum_BHW))
    return LossTerm((weight_BHW * loss_BHW)[target.valid_BHW].sum(), target.valid_BHW.sum())


LOSSES = {"focal": focal}  # its weight is loss/focal, its parameter loss/focal_power

SPACES = {
    "focal": Space(
        name="focal",
        question="Does a focal loss help, and with which power?",
        base={"loss/xe": 0.0, "loss/focal": 1.0},  # instead of the cross-entropy
        dimensions=(
            Dimension(
                path="loss/focal",
                distribution=FloatDistribution(0.5, 5.0, log=True),
                why="1 is the cross-entropy's weight; easy pixels count less, so up to 5",
            ),
            Dimension(
                path="loss/focal_power",
                distribution=FloatDistribution(0.0, 5.0),
                why="the paper tries 0 to 5; 0 is the cross-entropy",
            ),
        ),
    )
}

GRIDS = {
    "focal_power": Grid(
        name="focal_power",
        question="Which power of the focal loss?",
        source="Lin et al., Table 1b, on detection",
        baseline="cross_entropy",
        cells=(
            Cell(name="cross_entropy", changes={}),
            *(
                Cell(
                    name=f"power {power:g}",
                    changes={"loss/xe": 0.0, "loss/focal": 1.0, "loss/focal_power": power},
                )
                for power in (1.0, 2.0, 5.0)
            ),
        ),
    )
}
