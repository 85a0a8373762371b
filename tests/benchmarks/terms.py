"""Every loss of the product at one size: what it computes, and the bytes that it cannot avoid.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from tests.benchmarks.measuring import Work
from trainables.config import LossConfig, TrialConfig, Value
from trainables.config.rival_losses import RIVALS
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.compose import active_weights, combine, loss_terms
from trainables.losses.terms import TERMS
from trainables.stages.edge_net.network import EdgeNet
from trainables.stages.inverse_net.plain import InverseTransformNet

Size = tuple[int, int, int, int]
"""Images, classes, rows, columns."""
TILE, UNITS = 16, (64,)
_OFF: Mapping[str, Value] = {"loss/xe": 0.0}
LOSSES: Mapping[str, Mapping[str, Value]] = {
    "cross_entropy": {"loss/xe": 1.0},
    "boundary_cross_entropy": {"loss/beta": 1.0},
    "inverse_form": {"loss/gamma": 1.0, "loss/tile": TILE},
    "boundary_correlation": {"loss/correlation": 1.0, "loss/tile": TILE},
    "edge_attention": {"loss/edge_attention": 1.0},
    "lovasz": {"loss/lovasz": 1.0},
    "active_boundary": {"loss/w_a": 1.0},
    "full_divergence": {"loss/fkl": 1.0},
    "generalised_dice": {"loss/gdl": 1.0},
    "boundary_loss": {"loss/bl": 1.0},
    "hausdorff": {"loss/hausdorff": 1.0},
    "edge": {"loss/lambda_2": 1.0},
    "affinity_regression": {"loss/ar": 1.0},
    **{name: {f"loss/{name}": 1.0} for name in RIVALS},
}
"""By term, the fields that turn it on alone."""
_MAPS: Mapping[str, int] = {
    "boundary_cross_entropy": 1,
    "inverse_form": 1,
    "boundary_correlation": 1,
    "active_boundary": 4,
}
"""Bytes a pixel of the maps that a loss makes of the labels: a bool, or a float of a distance."""
_MAPS_OF_CLASS: Mapping[str, int] = {"boundary_loss": 4, "hausdorff": 8}
"""The same a pixel and class: one distance, or two."""
_ON_HEAD = ("boundary_cross_entropy", "inverse_form", "boundary_correlation")
"""Losses that read a boundary head's one map and not the logits of all classes."""
TOGETHER = "all together"


def floor_bytes(name: str, size: Size, dtype: torch.dtype) -> int:
    """logits + gradient + labels + 2 maps: each read or written once, maps of labels both.

    Logits and gradient have the network's type. Losses compute in fp32, so of bf16 logits they
    make a copy; the floor does not have it, since one kernel could convert as it reads.
    """
    images, classes, rows, columns = size
    pixels = images * rows * columns
    if name == TOGETHER:  # logits and labels are read once, and one gradient is written
        each = sum(floor_bytes(one, size, dtype) for one in LOSSES)
        shared = (len(LOSSES) - 1 - len(_ON_HEAD)) * _scores("lovasz", size, dtype)
        heads = (len(_ON_HEAD) - 1) * _scores(_ON_HEAD[0], size, dtype)
        return each - shared - heads - (len(LOSSES) - 1) * 8 * pixels
    maps = _MAPS.get(name, 0) + classes * _MAPS_OF_CLASS.get(name, 0)
    return _scores(name, size, dtype) + pixels * (8 + 2 * maps)


def _scores(name: str, size: Size, dtype: torch.dtype) -> int:
    """Bytes of the logits that a loss reads, and of their gradient."""
    images, classes, rows, columns = size
    maps = 1 if name in _ON_HEAD else classes
    if name == "edge_attention":  # classes and head
        maps += 1
    return 2 * images * maps * rows * columns * dtype.itemsize


def works(size: Size, dtype: torch.dtype, labels_BHW: Tensor) -> dict[str, Work]:
    """By loss, its value and gradient at fixed logits, with all that it makes of the labels."""
    images, classes, rows, columns = size
    device = labels_BHW.device
    logits_BKHW = torch.randn(size, device=device).to(dtype).requires_grad_()
    head_BHW = torch.randn(images, rows, columns, device=device).to(dtype).requires_grad_()
    learned = Learned(
        InverseTransformNet(TILE, UNITS).requires_grad_(False).to(device),
        EdgeNet(classes).requires_grad_(False).to(device),
    )

    def work(config: LossConfig) -> None:
        logits_BKHW.grad = head_BHW.grad = None
        prediction = Prediction(logits_BKHW.float(), head_BHW.float())
        target = Target(labels_BHW, classes)  # a new one, which has made no maps yet
        terms = loss_terms(config, prediction, target, learned)
        combine(terms, active_weights(config))[0].backward()

    assert set(LOSSES) == set(TERMS), "a loss has no row here"
    on = {name: {**_OFF, **fields} for name, fields in LOSSES.items()}
    on[TOGETHER] = {field: value for one in LOSSES.values() for field, value in one.items()}
    return {name: partial(work, TrialConfig().changed(fields).loss) for name, fields in on.items()}
