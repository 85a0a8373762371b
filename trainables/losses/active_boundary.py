"""The Active Boundary Loss (Wang et al., AAAI 2022): where should a boundary move?

"paper" is the default because it follows the equations and does not depend on how images are
distributed over ranks. It differs from "released", the authors' code, as follows:

- the threshold leaves at most ``max_ratio`` of *each image* (released: as many pixels, but of
  the whole batch, by a threshold that grows in steps of 1.2);
- a pixel is tested against either neighbour (released: against the sum of both);
- logits are KL(P_i, P_neighbour) as in Eq. 3 (released: the other way round);
- M is the distance to the boundary, and pixels with M = 0 are discarded (released: the
  distance - 1, truncated, and such pixels stay in the mean with weight 0);
- the smoothed target is 1 - s and s / 7 (released: s / 8, which sums to 0.975);
- images without a true boundary are skipped (released: their predictions are drawn to the
  corner), as are void pixels and void neighbours (released: void is boundary);
- logits and labels have the same size (released: logits are upsampled).

Shape letters: B images, K classes, H rows, W columns, N chosen pixels, D = 8 directions.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config import require
from trainables.geometry.boundaries import VOID, Variant, two_neighbour_boundary
from trainables.geometry.device import on_cpu
from trainables.geometry.distance import no_site, squared_distance
from trainables.geometry.signed_distance import with_phantom
from trainables.losses.inputs import check_inputs, full_precision
from trainables.losses.kernels.directions import (
    DIRECTIONS,
    Around,
    at,
    attached_logits,
    detached_logits,
)
from trainables.losses.kernels.neighbour_divergence import Divergence, neighbour_divergence
from trainables.losses.term import LossTerm, of_no_image

SMALLEST_THRESHOLD = 1e-5
_THRESHOLD_GROWTH = 1.2
_NEVER = 1e5


def active_boundary(
    logits_BKHW: Tensor,
    labels_BHW: Tensor,
    *,
    theta: float = 20.0,
    detach: bool = True,
    label_smoothing: float = 0.2,
    max_ratio: float = 0.01,
    variant: Variant = "paper",
) -> LossTerm:
    """Cross-entropy of the direction in which each predicted boundary pixel should move (Eq. 4).

    The predicted boundary is made of the pixels whose class distribution differs most from that
    of the pixel below or to the right (Eq. 1), dilated by one pixel. For each such pixel, the
    neighbour nearest to the true boundary is the target (Eq. 2), the Kullback-Leibler divergences
    to its 8 neighbours are the logits (Eq. 3), and min(M, theta) / theta is the weight, where M is
    the pixel's own distance to the true boundary in pixels.

    "paper" follows the equations, "released" the authors' code: see the head of this file.

    A neighbour that is void or outside the image counts as equal to the pixel itself, and is never
    the target. On a GPU the host never waits: the kernels take as many pixels of every image as
    could be chosen, and those that are not have no weight.

    Args:
        logits_BKHW: float.
        labels_BHW: int64, 0..K-1 or 255.
        theta: pixels, > 0.
        detach: stop the gradient to the neighbours ("conflict suppression").
        label_smoothing: s, in [0, 1).
        max_ratio: in (0, 1].

    Returns:
        The sum over the chosen pixels, and their number.
    """
    _check_settings(theta, label_smoothing, max_ratio)
    logits_BKHW = full_precision(logits_BKHW)
    if variant == "released":
        logits_BKHW = _resized(logits_BKHW, labels_BHW)
    check_inputs(logits_BKHW, labels_BHW)
    if labels_BHW.numel() == 0:  # the largest divergence of no pixel is undefined
        return of_no_image(logits_BKHW)

    # Which pixels move and where to is a decision, not a function to differentiate.
    with torch.no_grad():
        divergence = neighbour_divergence(logits_BKHW)
        chosen_BHW = _predicted_boundary(divergence, labels_BHW, max_ratio, variant)
        distance_BHW = boundary_distance(labels_BHW, variant)
        if variant == "paper":
            chosen_BHW = chosen_BHW & (distance_BHW > 0) & (labels_BHW != VOID)
        around = Around.of(chosen_BHW, labels_BHW, variant, _most(labels_BHW, max_ratio))
        distance_N = at(distance_BHW, around.centre_N)
        beside_DN = at(distance_BHW, around.beside_DN)
        nearest_N, target_N = beside_DN.masked_fill_(~around.usable_DN, _NEVER).min(dim=0)
        moves_N = around.usable_DN.any(dim=0)
        if variant == "released":
            # There, a pixel stays if it is nearer to the boundary than all of its neighbours.
            moves_N = nearest_N <= distance_N
        if around.chosen_N is not None:
            moves_N &= around.chosen_N

    direction_logits = detached_logits if detach else attached_logits
    logits_DN = direction_logits(logits_BKHW, divergence.log_sum_BHW, around, variant)
    entropy_N = _cross_entropy(logits_DN, target_N, label_smoothing, variant)
    weight_N = distance_N.clamp(max=theta).to(entropy_N.dtype) / theta * moves_N
    return LossTerm((entropy_N * weight_N).sum(), moves_N.sum())


def _allowed(labels_BHW: Tensor, max_ratio: float) -> int:
    """How many pixels of an image (released: of the batch) may exceed the threshold."""
    return int(labels_BHW[0].numel() * max_ratio)


def _most(labels_BHW: Tensor, max_ratio: float) -> int:
    """No image has more chosen pixels: those above the threshold, dilated by one pixel."""
    return (len(DIRECTIONS) + 1) * _allowed(labels_BHW, max_ratio)


def _check_settings(theta: float, label_smoothing: float, max_ratio: float) -> None:
    require(0 < theta < float("inf"), "theta", "a finite number of pixels > 0", theta)
    require(0 <= label_smoothing < 1, "label_smoothing", "in [0, 1)", label_smoothing)
    require(0 < max_ratio <= 1, "max_ratio", "in (0, 1]", max_ratio)


def _resized(logits_BKHW: Tensor, labels_BHW: Tensor) -> Tensor:
    if logits_BKHW.dim() != 4 or labels_BHW.dim() != 3:
        return logits_BKHW
    size = labels_BHW.shape[1:]
    if logits_BKHW.shape[2:] == size:
        return logits_BKHW
    return F.interpolate(logits_BKHW, size=size, mode="bilinear", align_corners=True)


def predicted_boundary(
    logits_BKHW: Tensor, labels_BHW: Tensor, max_ratio: float, variant: Variant
) -> Tensor:
    """Bool (B,H,W): Eq. 1 with its adaptive threshold, dilated by one pixel (3x3)."""
    divergence = neighbour_divergence(logits_BKHW)
    return _predicted_boundary(divergence, labels_BHW, max_ratio, variant)


def _predicted_boundary(
    divergence: Divergence, labels_BHW: Tensor, max_ratio: float, variant: Variant
) -> Tensor:
    below_BHW, right_BHW, _ = divergence
    allowed = _allowed(labels_BHW, max_ratio)
    if variant == "released":
        either_BHW = below_BHW + right_BHW
        above_BHW = either_BHW > _released_threshold(either_BHW, allowed)
        return _dilated(above_BHW)
    # Each divergence belongs to a pair of pixels; one void end suffices to drop it.
    void_BHW = labels_BHW == VOID
    below_BHW[:, :-1].masked_fill_(void_BHW[:, :-1] | void_BHW[:, 1:], 0.0)
    right_BHW[:, :, :-1].masked_fill_(void_BHW[:, :, :-1] | void_BHW[:, :, 1:], 0.0)
    either_BHW = torch.maximum(below_BHW, right_BHW)
    largest_B = _largest(either_BHW.flatten(1), allowed)
    threshold_B11 = largest_B.clamp(min=SMALLEST_THRESHOLD).view(-1, 1, 1)
    return _dilated(either_BHW > threshold_B11)


def _largest(values_BN: Tensor, skipped: int) -> Tensor:
    """(B,): the largest value of each row after the ``skipped`` largest, or else its smallest."""
    last = values_BN.shape[1] - 1
    if on_cpu(values_BN):
        place = max(last - skipped, 0)
        return torch.from_numpy(np.partition(values_BN.numpy(), place, axis=1)[:, place])
    return values_BN.topk(min(skipped, last) + 1).values[:, -1]


def _dilated(map_BHW: Tensor) -> Tensor:
    """The map dilated by one pixel in all eight directions, one axis after the other."""
    down_BHW = map_BHW.clone()
    down_BHW[:, 1:] |= map_BHW[:, :-1]
    down_BHW[:, :-1] |= map_BHW[:, 1:]
    wide_BHW = down_BHW.clone()
    wide_BHW[..., 1:] |= down_BHW[..., :-1]
    wide_BHW[..., :-1] |= down_BHW[..., 1:]
    return wide_BHW


def _released_threshold(divergence_BHW: Tensor, allowed: int) -> Tensor:
    """The smallest 1e-5 * 1.2^n that at most ``allowed`` pixels of the *batch* exceed.

    That is the smallest one not below the (allowed + 1)-th largest value.
    """
    thresholds = [SMALLEST_THRESHOLD]
    while len(thresholds) < 400:
        thresholds.append(thresholds[-1] * _THRESHOLD_GROWTH)
    ladder = torch.tensor(thresholds, dtype=divergence_BHW.dtype)
    # A blocking copy would make the host wait for the GPU.
    ladder = ladder.to(divergence_BHW.device, non_blocking=True)
    bound = _largest(divergence_BHW.reshape(1, -1), allowed)
    return ladder[torch.searchsorted(ladder, bound).clamp(max=len(thresholds) - 1)]


def boundary_distance(labels_BHW: Tensor, variant: Variant) -> Tensor:
    """float32 (B,H,W): M in pixels; 0 everywhere in a "paper" image without a true boundary."""
    boundary_BHW = two_neighbour_boundary(labels_BHW, variant=variant)
    square_BHW = squared_distance(boundary_BHW)
    if variant == "paper":
        return square_BHW.masked_fill_(no_site(boundary_BHW), 0).float().sqrt_()
    return (with_phantom(square_BHW).sqrt_() - 1).clamp_(min=0).trunc_().float()


def _cross_entropy(
    direction_logits_DN: Tensor, target_N: Tensor, smoothing: float, variant: Variant
) -> Tensor:
    log_prob_DN = direction_logits_DN.log_softmax(dim=0)
    hit_N = log_prob_DN.gather(0, target_N.unsqueeze(0)).squeeze(0)
    if smoothing == 0:
        return -hit_N
    others = len(DIRECTIONS) if variant == "released" else len(DIRECTIONS) - 1
    missed_N = log_prob_DN.sum(dim=0) - hit_N
    return -((1 - smoothing) * hit_N + smoothing / others * missed_N)
