"""Sums of binary divergences between a pixel and its 8 neighbours, with their derivatives.

Both directions of a pair together have KL(P, Q) + KL(Q, P) = (p - q)(l_p - l_q), where l are the
logits log(p / (1 - p)). Summed over all pairs it is sum p (L l), where L is the Laplacian of the
neighbours' graph: (L f) of a pixel is its number of neighbours times f, minus the neighbours' f.
Shape letters: B images, K classes, H rows, W columns.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID
from trainables.losses.kernels.class_sums import own_place


class Agreement(NamedTuple):
    """Over all pairs of neighbours and all classes."""

    value_B: Tensor
    """float64 (B): the summed divergence, both directions."""

    slope_BKHW: Tensor
    """Its derivative by the probabilities."""

    pairs_B: Tensor
    """int64 (B): pairs, both directions."""


def agreement(prob_BKHW: Tensor, labels_BHW: Tensor, distance: int) -> Agreement:
    """The divergence of all pairs of valid neighbours.

    Args:
        prob_BKHW: strictly within (0, 1).
    """
    valid_B1HW = (labels_BHW != VOID).unsqueeze(1).to(prob_BKHW.dtype)
    number_B1HW = _neighbours(valid_B1HW, distance) * valid_B1HW
    logit_BKHW = prob_BKHW.logit()
    slope_BKHW = _laplacian(logit_BKHW, valid_B1HW, number_B1HW, distance)
    value_B = (prob_BKHW * slope_BKHW).flatten(2).sum(dim=2).sum(dim=1, dtype=torch.float64)
    curvature_BKHW = _laplacian(prob_BKHW, valid_B1HW, number_B1HW, distance)
    slope_BKHW.addcdiv_(curvature_BKHW, prob_BKHW * (1 - prob_BKHW))
    return Agreement(value_B, slope_BKHW, number_B1HW.flatten(1).sum(dim=1).round().long())


def _laplacian(map_BKHW: Tensor, valid_B1HW: Tensor, number_B1HW: Tensor, distance: int) -> Tensor:
    near_BKHW = _neighbours(map_BKHW * valid_B1HW, distance).mul_(valid_B1HW)
    return torch.addcmul(near_BKHW.neg_(), map_BKHW, number_B1HW)


def _neighbours(map_BKHW: Tensor, distance: int) -> Tensor:
    """The sum of the 8 neighbours: of three columns, then of three rows, without the centre."""
    total_BKHW = map_BKHW
    for axis in (3, 2):
        total_BKHW, one_BKHW = total_BKHW.clone(), total_BKHW
        length = map_BKHW.shape[axis] - distance
        if length > 0:
            total_BKHW.narrow(axis, distance, length).add_(one_BKHW.narrow(axis, 0, length))
            total_BKHW.narrow(axis, 0, length).add_(one_BKHW.narrow(axis, distance, length))
    return total_BKHW.sub_(map_BKHW)


Window = tuple[slice, slice]


@dataclass
class EdgePairs:
    """The entries of pairs whose labels differ: the classes of either end, in both directions."""

    entries_B: Tensor
    """int64 (B)."""

    equal_B: Tensor
    """float64 (B): their share of ``Agreement.value_B``."""

    different_B: Tensor
    """float64 (B): their sum of max(0, margin - KL)."""

    slopes: list[tuple[Window, Tensor, Tensor, Tensor]] = field(default_factory=list)
    """Rows and columns, place of the class, derivatives by its probability of both sums."""

    def add_slopes(self, slope_BKHW: Tensor, scale_B: Tensor) -> None:
        """Take the entries out of the mean of equal ones, and add their own mean.

        Args:
            slope_BKHW: changed in place.
            scale_B: (B,1,1,1): one over the number of equal entries.
        """
        own_B = (
            self.entries_B.clamp(min=1).double().reciprocal().to(slope_BKHW.dtype).view(-1, 1, 1, 1)
        )
        for (rows, columns), place, of_equal, of_different in self.slopes:
            slope = of_different * own_B - of_equal * scale_B
            slope_BKHW[:, :, rows, columns].scatter_add_(1, place, slope)


def edge_pairs(prob_BKHW: Tensor, labels_BHW: Tensor, distance: int, margin: float) -> EdgePairs:
    """The entries of pairs of valid neighbours with different labels."""
    none_B = prob_BKHW.new_zeros(len(prob_BKHW), dtype=torch.float64)
    found = EdgePairs(none_B.long(), none_B, none_B)
    place_B1HW, labels_B1HW = own_place(labels_BHW), labels_BHW.unsqueeze(1)
    for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
        near, far = _ends(down * distance, right * distance)
        one, other = (labels_B1HW[:, :, rows, columns] for rows, columns in (near, far))
        differs = (one != other) & (one != VOID) & (other != VOID)
        found.entries_B = found.entries_B + 4 * differs.flatten(1).sum(dim=1)
        for end in (near, far):
            place = place_B1HW[:, :, end[0], end[1]]
            _add_class(found, prob_BKHW, place, differs, near, far, margin)
    return found


def _add_class(
    found: EdgePairs,
    prob_BKHW: Tensor,
    place: Tensor,
    differs: Tensor,
    near: Window,
    far: Window,
    margin: float,
) -> None:
    """Add the entries of the class at ``place``, both directions; torch differentiates them."""
    with torch.enable_grad():
        p, q = (
            prob_BKHW[:, :, rows, columns].gather(1, place).requires_grad_()
            for rows, columns in (near, far)
        )
        forth, back = _divergence(p, q), _divergence(q, p)
        equal = ((forth + back) * differs).flatten(1).sum(dim=1, dtype=torch.float64)
        gap = (margin - forth).clamp(min=0) + (margin - back).clamp(min=0)
        different = (gap * differs).flatten(1).sum(dim=1, dtype=torch.float64)
        of_equal = torch.autograd.grad(equal.sum(), (p, q), retain_graph=True)
        of_different = torch.autograd.grad(different.sum(), (p, q))
    found.equal_B = found.equal_B + equal.detach()
    found.different_B = found.different_B + different.detach()
    for window, one, other in zip((near, far), of_equal, of_different, strict=True):
        found.slopes.append((window, place, one, other))


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    return p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()


def _ends(down: int, right: int) -> tuple[Window, Window]:
    """Rows and columns of the pixels that have a neighbour at this offset, and of those."""
    near = slice(None, -down or None), slice(max(-right, 0), -right if right > 0 else None)
    far = slice(down, None), slice(max(right, 0), right if right < 0 else None)
    return near, far
