"""Active Boundary Loss's Figures 3 and 4: conflicts, and how a boundary moves to the true one.

A prediction begins as the true classes of a test image, moved by a few pixels. The loss alone then
changes its logits step by step, with the gradient to neighbours stopped (the paper's "detach") and
without. Shape letters: H rows, W columns, K classes.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from study.reporting.explanations.explanation import Explanation, Given
from study.reporting.explanations.moved import SHIFT_PX, moved, scores_of
from study.reporting.pictures.epochs import boundaries
from trainables.config import LossConfig
from trainables.data.preview import shown
from trainables.geometry.boundaries import VOID
from trainables.losses.active_boundary import (
    active_boundary,
    boundary_distance,
    predicted_boundary,
)
from trainables.losses.kernels.directions import DIRECTIONS

STEPS = (0, 20, 40, 60)
"""After which the prediction is drawn and measured."""
_RATE = 0.05
"""Of Adam, on the logits."""


class Measured(NamedTuple):
    """A prediction after some steps."""

    step: int
    predicted_HW: NDArray[np.uint8]
    wrong: float
    """The share of valid pixels whose class is wrong."""
    conflicts: float
    """The share of moving pixels in a conflict."""


def explain(given: Given) -> Explanation:
    """Move a prediction of the chosen test image by the loss, with and without ``detach``."""
    images, row = given.dataset.splits["test"], given.row
    labels_HW = np.asarray(images.labels_NHW[row])
    share = boundary_share(moved(labels_HW, SHIFT_PX))
    config = replace(given.config.loss, abl_ratio=max(given.config.loss.abl_ratio, share))
    runs = {
        name: run(labels_HW, given.dataset.num_classes, config, detach=detach)
        for name, detach in (("detached", True), ("not detached", False))
    }
    text = _table(runs, f"{given.dataset.name}, {images.names[row]}", config.abl_ratio)
    figure = _figure(shown(np.asarray(images.images_NHWC[row])), labels_HW, runs)
    return Explanation("figure4", text, figure)


def boundary_share(classes_HW: NDArray[np.uint8]) -> float:
    """The share of pixels that differ in class from the one below or to the right."""
    apart_HW = np.zeros(classes_HW.shape, dtype=bool)
    apart_HW[:-1] |= classes_HW[:-1] != classes_HW[1:]
    apart_HW[:, :-1] |= classes_HW[:, :-1] != classes_HW[:, 1:]
    return float(apart_HW.mean())


def run(
    labels_HW: NDArray[np.uint8], num_classes: int, config: LossConfig, *, detach: bool
) -> list[Measured]:
    """The prediction after each of ``STEPS``."""
    labels_1HW = torch.from_numpy(labels_HW.astype(np.int64))[None]
    logits_1KHW = scores_of(moved(labels_HW, SHIFT_PX), num_classes).requires_grad_()
    optimizer = torch.optim.Adam([logits_1KHW], _RATE)
    found = []
    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            found.append(_measured(step, logits_1KHW.detach(), labels_1HW, config))
        term = active_boundary(
            logits_1KHW,
            labels_1HW,
            theta=config.theta,
            detach=detach,
            label_smoothing=config.abl_smoothing,
            max_ratio=config.abl_ratio,
            variant=config.variant,
        )
        optimizer.zero_grad()
        (term.total / term.count.clamp(min=1)).backward()
        optimizer.step()
    return found


def _measured(step: int, logits_1KHW: Tensor, labels_1HW: Tensor, config: LossConfig) -> Measured:
    chosen = predicted_boundary(logits_1KHW, labels_1HW, config.abl_ratio, config.variant)
    distance = boundary_distance(labels_1HW, config.variant)
    moving = chosen & (distance > 0) & (labels_1HW != VOID)
    in_conflict = conflicts(moving[0].numpy(), distance[0].numpy(), labels_1HW[0].numpy())
    predicted_1HW = logits_1KHW.argmax(dim=1)
    valid = labels_1HW != VOID
    wrong = ((predicted_1HW != labels_1HW) & valid).sum() / valid.sum().clamp(min=1)
    share = float(in_conflict.sum()) / max(int(moving.sum()), 1)
    return Measured(step, predicted_1HW[0].numpy().astype(np.uint8), float(wrong), share)


def conflicts(
    moving_HW: NDArray[np.bool_], distance_HW: NDArray[np.float32], labels_HW: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(H,W): moving pixels whose target moves, too, and not back to them (Figure 3).

    The divergence between the two then has to grow for the one and to shrink for the other. Of
    neighbours that are equally near to the true boundary, the first of Eq. 2 is the target.
    """
    rows, columns = moving_HW.shape
    target: dict[tuple[int, int], tuple[int, int]] = {}
    for row, column in zip(*np.nonzero(moving_HW), strict=True):
        beside = [
            (int(row) + down, int(column) + right)
            for down, right in DIRECTIONS
            if 0 <= row + down < rows and 0 <= column + right < columns
        ]
        usable = [place for place in beside if labels_HW[place] != VOID]
        if usable:
            target[int(row), int(column)] = min(usable, key=lambda place: distance_HW[place])
    found_HW = np.zeros_like(moving_HW)
    for place, aim in target.items():
        found_HW[place] = aim in target and target[aim] != place
    return found_HW


def _table(runs: dict[str, list[Measured]], where: str, ratio: float) -> str:
    lines = [
        f"# Active Boundary Loss's Figures 3 and 4 on {where}",
        f"The prediction begins as the true classes, moved by {SHIFT_PX} px down and right. The "
        f"loss alone changes its logits (Adam, rate {_RATE}). Up to {ratio:.1%} of the pixels move "
        "(`loss/abl_ratio`, or the prediction's whole boundary). A moving pixel is in conflict "
        "if its target moves, too, and not back to it (Figure 3): the divergence between the two "
        "has to grow for one and to shrink for the other.\n",
        "| gradient to neighbours | step | wrong pixels % | moving pixels in conflict % |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one.step} | {100 * one.wrong:.2f} | {100 * one.conflicts:.1f} |"
        for name, measured in runs.items()
        for one in measured
    ]
    return "\n".join(lines) + "\n"


def _figure(
    image_HWC: NDArray[np.uint8], labels_HW: NDArray[np.uint8], runs: dict[str, list[Measured]]
) -> Figure:
    rows, columns = labels_HW.shape
    height = 3.0 * rows / columns
    figure = Figure(
        figsize=(3.0 * len(STEPS) + 0.6, (height + 0.35) * len(runs) + 0.5), layout="constrained"
    )
    panels = figure.subplots(len(runs), len(STEPS), squeeze=False)
    for line, (name, measured) in zip(panels, runs.items(), strict=True):
        for axes, one in zip(line, measured, strict=True):
            shown_HW = np.where(labels_HW == VOID, VOID, one.predicted_HW).astype(np.uint8)
            axes.imshow(boundaries(image_HWC, labels_HW, shown_HW), interpolation="nearest")
            axes.set_title(f"step {one.step}: {100 * one.wrong:.2f} % wrong", fontsize=9)
            axes.set(xticks=[], yticks=[])
        line[0].set_ylabel(name)
    figure.suptitle("Predicted boundary red, true one blue, pink where they agree", fontsize=10)
    return figure
