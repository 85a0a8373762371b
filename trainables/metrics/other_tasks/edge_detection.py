"""odsF of edge detection: the best F of one threshold for all images (InverseForm Table 3).

After Martin, Fowlkes & Malik (PAMI 2004) and the public tools of BSDS: threshold, thin, match
predicted to true pixels one to one within a share of the diagonal, and count. The tools match by a
minimum-cost assignment on randomly sparsified graphs, so their counts vary from run to run. They
approximate a maximum matching of the complete graph, which is used here and is deterministic.

It runs in NumPy and SciPy on the CPU, wherever the maps are.

Shape letters: N images, A annotators, H rows, W columns, S thresholds.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow
from torch import Tensor

from trainables.geometry.thinning import thin

NUM_THRESHOLDS = 99
MAX_DISTANCE = 0.0075
"""Share of the image's diagonal within which an edge pixel may be matched."""


class BestF(NamedTuple):
    """Recall, precision and F, fractions, at the threshold where F is largest."""

    recall: float
    precision: float
    f: float
    threshold: float


def thresholds(number: int = NUM_THRESHOLDS) -> NDArray[np.float64]:
    """Thresholds evenly spaced within 0..1, without the ends: 0.01 ... 0.99."""
    return np.arange(1, number + 1) / (number + 1)


def edge_counts(
    edge_HW: Tensor,
    true_AHW: Tensor,
    max_distance: float = MAX_DISTANCE,
    num_thresholds: int = NUM_THRESHOLDS,
) -> Tensor:
    """int64 (S,4): matched true, true, matched predicted and predicted edge pixels by threshold.

    Additive over images. With several annotators, true pixels are matched and counted for each,
    and a predicted pixel is right if it matches any.

    Args:
        edge_HW: probability of an edge, 0..1.
        true_AHW: bool, one edge map per annotator; (H,W) for a single one.
        max_distance: the tolerance as a share of the diagonal.
        num_thresholds: S.
    """
    edge = edge_HW.cpu().double().numpy()
    annotations = true_AHW.cpu().numpy().reshape(-1, *edge.shape)
    reach_px = max_distance * math.hypot(*edge.shape)
    counts = [
        _match_all(thin(edge >= threshold), annotations, reach_px)
        for threshold in thresholds(num_thresholds)
    ]
    return torch.tensor(counts, dtype=torch.int64)


def _match_all(
    predicted: NDArray[np.bool_], annotations: NDArray[np.bool_], reach_px: float
) -> tuple[int, int, int, int]:
    right = np.zeros(int(predicted.sum()), dtype=bool)
    matched_true = 0
    for true in annotations:
        matched = match(predicted, true, reach_px)
        right |= matched
        matched_true += int(matched.sum())
    return matched_true, int(annotations.sum()), int(right.sum()), len(right)


def match(
    predicted: NDArray[np.bool_], true: NDArray[np.bool_], reach_px: float
) -> NDArray[np.bool_]:
    """Which predicted pixels, in row order, a maximum one-to-one matching pairs with a true one.

    The same number of true pixels is matched. Pairs are at most ``reach_px`` (Euclidean) apart.
    """
    rows, columns = np.nonzero(predicted)
    reach = math.floor(reach_px)
    number = np.full(np.add(true.shape, 2 * reach), -1)
    number[reach : reach + true.shape[0], reach : reach + true.shape[1]][true] = range(true.sum())
    sources, targets = [], []
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if down**2 + right**2 <= reach_px**2:
                target = number[rows + reach + down, columns + reach + right]
                sources.append(np.nonzero(target >= 0)[0])
                targets.append(target[target >= 0])
    pairs = np.stack((np.concatenate(sources), np.concatenate(targets)))
    return _maximum_matching(pairs, len(rows), int(true.sum()))


def _maximum_matching(pairs: NDArray[np.int64], num_left: int, num_right: int) -> NDArray[np.bool_]:
    """Which left nodes are matched, given the possible pairs (2, E) of left and right nodes.

    Solved as a flow with unit capacities by Dinic's algorithm, which takes milliseconds; SciPy's
    ``maximum_bipartite_matching`` takes from milliseconds to minutes on the same edge maps.
    """
    source, sink = num_left + num_right, num_left + num_right + 1
    left, right = np.arange(num_left), num_left + np.arange(num_right)
    tails = np.concatenate((np.full(num_left, source), pairs[0], right))
    heads = np.concatenate((left, pairs[1] + num_left, np.full(num_right, sink)))
    capacity = csr_array(
        (np.ones(len(tails), dtype=np.int32), (tails, heads)), shape=(sink + 1, sink + 1)
    )
    flow = maximum_flow(capacity, source, sink, method="dinic").flow
    return np.asarray(flow[[source]].toarray()[0, :num_left] > 0)


def ods_f(counts_S4: Tensor) -> BestF:
    """The best F of counts summed over all images; NaN without a true edge.

    Recall and precision are interpolated in 100 steps between neighbouring thresholds, as in the
    public tools. Without a predicted pixel precision is 0, and so is F.
    """
    matched_true, true, matched_predicted, predicted = counts_S4.cpu().double().numpy().T
    if not true.any():
        return BestF(math.nan, math.nan, math.nan, math.nan)
    recall = matched_true / np.maximum(true, 1)
    precision = matched_predicted / np.maximum(predicted, 1)
    steps = np.arange(len(recall), dtype=np.float64)
    fine = np.unique(np.concatenate([i + np.linspace(0, 1, 100) for i in steps[:-1]] or [steps]))
    recall, precision, threshold = (
        np.interp(fine, steps, curve) for curve in (recall, precision, thresholds(len(steps)))
    )
    f = 2 * recall * precision / np.maximum(recall + precision, 1e-12)
    best = int(f.argmax())
    return BestF(*(float(curve[best]) for curve in (recall, precision, f, threshold)))
