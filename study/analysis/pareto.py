"""Pareto layers: the order of points with several objectives.

Shape letters: N points, M objectives.
"""

from collections.abc import Sequence

import numpy as np


def layers(points: Sequence[Sequence[float]], modes: Sequence[str]) -> list[int]:
    """Return the Pareto layer of each point, from 1.

    Layer 1 is the Pareto set, layer 2 the Pareto set of the points that remain without layer 1, and
    so on. A point is dominated by another that is at least as good in all objectives and better in
    one; equal points share a layer.

    Args:
        points: N points with M values each.
        modes: by objective, ``max`` if larger is better, else ``min``.
    """
    signs = np.array([1.0 if mode == "max" else -1.0 for mode in modes])
    gain_NM = np.asarray(points, dtype=float).reshape(len(points), len(modes)) * signs
    dominates_NN = np.ones((len(points), len(points)), dtype=bool)
    better_NN = np.zeros_like(dominates_NN)
    for column_N in gain_NM.T:  # one objective at a time: an (N,N,M) array would be large
        dominates_NN &= column_N[:, None] >= column_N[None, :]
        better_NN |= column_N[:, None] > column_N[None, :]
    dominates_NN &= better_NN
    layer_N = np.zeros(len(points), dtype=int)
    layer = 0
    while (left_N := layer_N == 0).any():
        layer += 1
        layer_N[left_N & ~dominates_NN[left_N].any(axis=0)] = layer
    return layer_N.tolist()
