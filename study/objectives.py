"""What a search is after: one metric, or several that no single number weighs."""

from collections.abc import Mapping, Sequence

import numpy as np

from trainables.metrics.catalog import METRICS

_ONE_ONLY = ("cmaes",)
"""Samplers of Optuna that know one objective alone."""


def parse(text: str) -> dict[str, str]:
    """``miou,hd95`` as ``{"miou": "max", "hd95": "min"}``, in the order given.

    Raises:
        ValueError: a name that is no metric, or one given twice.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in METRICS:
            raise ValueError(f"--objective must be one of {', '.join(METRICS)}, got {name!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"--objective must name each metric once, got {text!r}")
    return {name: METRICS[name].direction for name in names}


def check(objectives: Mapping[str, str], sampler: str, scheduler: str, is_grid: bool) -> None:
    """Raise a ValueError for what cannot serve several objectives.

    ASHA is refused rather than fed the first of them: it would stop the very trials that are best
    in another, and the Pareto set would have no ends.
    """
    if len(objectives) == 1:
        return
    given = f"got {len(objectives)}: {','.join(objectives)}"
    if is_grid:
        raise ValueError(f"--objective of a grid must be one metric, {given}; its tables show all")
    if scheduler != "none":
        raise ValueError(f"--objective with --scheduler {scheduler} must be one metric, {given}; "
                         f"it would stop trials by the first alone")  # fmt: skip
    if sampler in _ONE_ONLY:
        raise ValueError(f"--objective with --sampler {sampler} must be one metric, {given}; "
                         f"several need tpe, nsga2, gp or random")  # fmt: skip


def layers(points: Sequence[Sequence[float]], modes: Sequence[str]) -> list[int]:
    """By how many peelings of the Pareto set each point is bared: 1 is the set itself.

    A point is dominated by another that is at least as good in all and better in one; equal points
    share a layer.
    """
    signs = np.array([1.0 if mode == "max" else -1.0 for mode in modes])
    gain_NM = np.asarray(points, dtype=float).reshape(len(points), len(modes)) * signs
    dominates_NN = np.ones((len(points), len(points)), dtype=bool)
    better_NN = np.zeros_like(dominates_NN)
    for column_N in gain_NM.T:
        dominates_NN &= column_N[:, None] >= column_N[None, :]
        better_NN |= column_N[:, None] > column_N[None, :]
    dominates_NN &= better_NN
    layer_N = np.zeros(len(points), dtype=int)
    layer = 0
    while (left_N := layer_N == 0).any():
        layer += 1
        layer_N[left_N & ~dominates_NN[left_N].any(axis=0)] = layer
    return layer_N.tolist()
