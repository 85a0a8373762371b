"""What a search is after: one metric, or several that no single number weighs."""

from collections.abc import Sequence

import numpy as np


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
