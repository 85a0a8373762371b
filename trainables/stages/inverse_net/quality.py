"""The quality of an inverse-transformation network, measured on tiles it was not trained on.

Shape letters: N pairs, S tile side, P context side, C coefficients, L shift lengths.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Generator, Tensor, nn

from trainables.geometry import homography
from trainables.losses.inverse_form import Distance
from trainables.stages.inverse_net.tile_pairs import TileSource, angles

PAIRS = 1000
SHIFT_PX = 3.0
"""The shift of the paper's Figure 2."""
LONGEST_PX = 8
_RANKED_TILES = 200


@torch.no_grad()
def measure(
    network: nn.Module, distance: Distance, source: TileSource, seed: int = 0
) -> dict[str, float]:
    """All quality figures of a network.

    ``identity_ratio``: mean d(x, x) over mean d of a 3-px shift.
    ``nearer_share``: how often a 3-px shift is nearer than an unrelated tile; ``nearer_share_xe``:
    how often its cross-entropy is smaller. A tie counts as 0.5.
    ``blank_share``: how often it is nearer than a blank prediction.
    ``shift_rank``: rank correlation of d with the shift, 0 to 8 px in one direction, mean over
    tiles; ``shift_rank_pooled``: over all tiles and directions at once.
    ``shift_error_px``, ``rotation_error_deg``, ``zoom_error``: mean error of the recovered
    transformation; ``shift_px``, ``rotation_deg``, ``zoom``: mean error of always answering "no
    transformation".
    """
    generator = Generator().manual_seed(seed)
    return {
        **_nearness(network, distance, source, generator),
        **_ranks(network, distance, ranked_shifts(source, seed)),
        **_recovered(network, source, generator),
    }


def _nearness(
    network: nn.Module, distance: Distance, source: TileSource, generator: Generator
) -> dict[str, float]:
    context_NPP = source.contexts(PAIRS, generator)
    true_NSS = source.centre(context_NPP)
    moved_NSS, _ = source.shifted(context_NPP, SHIFT_PX, angles(PAIRS, generator))
    other_NSS = source.centre(source.contexts(PAIRS, generator))
    same_N, moved_N, other_N, blank_N = (
        distance(network(shown_NSS, true_NSS))
        for shown_NSS in (true_NSS, moved_NSS, other_NSS, torch.zeros_like(true_NSS))
    )
    return {
        "identity_ratio": (same_N.mean() / moved_N.mean().clamp(min=1e-12)).item(),
        "nearer_share": _share_below(moved_N, other_N),
        "nearer_share_xe": _share_below(
            disagreement(moved_NSS, true_NSS), disagreement(other_NSS, true_NSS)
        ),
        "blank_share": _share_below(moved_N, blank_N),
    }


def disagreement(shown_NSS: Tensor, true_NSS: Tensor) -> Tensor:
    """(N,): share of pixels that differ.

    The cross-entropy between two binary maps is linear in it if the prediction is equally confident
    everywhere.
    """
    return (shown_NSS != true_NSS).float().mean(dim=(1, 2))


def _share_below(a_N: Tensor, b_N: Tensor) -> float:
    return ((a_N < b_N).float().mean() + 0.5 * (a_N == b_N).float().mean()).item()


class RankedShifts(NamedTuple):
    """Tiles, each moved by several lengths in one direction."""

    true_NSS: Tensor
    moved_LNSS: Tensor
    shift_LN: Tensor
    """In pixels."""


def ranked_shifts(source: TileSource, seed: int) -> RankedShifts:
    """The pairs whose distances are compared with their shifts."""
    generator = Generator().manual_seed(seed)
    context_NPP = source.contexts(_RANKED_TILES, generator)
    angle_N = angles(_RANKED_TILES, generator)
    shifted = [
        source.shifted(context_NPP, length_px, angle_N) for length_px in range(LONGEST_PX + 1)
    ]
    moved, shifts = zip(*shifted, strict=True)
    return RankedShifts(source.centre(context_NPP), torch.stack(moved), torch.stack(shifts))


def _ranks(network: nn.Module, distance: Distance, pairs: RankedShifts) -> dict[str, float]:
    found_LN = torch.stack(
        [distance(network(moved_NSS, pairs.true_NSS)) for moved_NSS in pairs.moved_LNSS]
    ).numpy()
    shift_LN = pairs.shift_LN.numpy()
    by_tile = [rank(f, s) for f, s in zip(found_LN.T, shift_LN.T, strict=True)]
    return {
        "shift_rank": float(np.mean(by_tile)),
        "shift_rank_pooled": rank(found_LN.ravel(), shift_LN.ravel()),
    }


def rank(found: np.ndarray, shift: np.ndarray) -> float:
    """Spearman's rank correlation; 0 if the network's output is the same for every shift."""
    return 0.0 if np.ptp(found) == 0 else float(spearmanr(found, shift).statistic)


def _recovered(network: nn.Module, source: TileSource, generator: Generator) -> dict[str, float]:
    pairs = source.pairs(PAIRS, generator)
    truth_N33 = homography.denormalise(pairs.target_NC)
    found_NC = network(pairs.moved_NSS, pairs.still_NSS)[:, : source.coefficients]
    if found_NC.shape[1] < source.coefficients:
        return {}  # it says how far, not where to
    found_N33 = homography.denormalise(found_NC)
    still_N33 = torch.eye(3).expand_as(truth_N33)
    to_px = source.tile / 2

    def errors(answer_N33: Tensor) -> tuple[float, float, float]:
        shift_N = (answer_N33 - truth_N33)[:, :2, 2].norm(dim=1) * to_px
        turn_N = _rotation(answer_N33) - _rotation(truth_N33)
        turn_N = torch.atan2(turn_N.sin(), turn_N.cos()).rad2deg()
        zoom_N = _zoom(answer_N33) - _zoom(truth_N33)
        return shift_N.mean().item(), turn_N.abs().mean().item(), zoom_N.abs().mean().item()

    found = dict(
        zip(("shift_error_px", "rotation_error_deg", "zoom_error"), errors(found_N33), strict=True)
    )
    return {
        **found,
        **dict(zip(("shift_px", "rotation_deg", "zoom"), errors(still_N33), strict=True)),
    }


def _rotation(theta_N33: Tensor) -> Tensor:
    """(N,): the angle of the nearest rotation of the plane, in radians."""
    return torch.atan2(
        theta_N33[:, 1, 0] - theta_N33[:, 0, 1], theta_N33[:, 0, 0] + theta_N33[:, 1, 1]
    )


def _zoom(theta_N33: Tensor) -> Tensor:
    """(N,): the square root of the factor by which areas grow."""
    return torch.det(theta_N33[:, :2, :2]).abs().sqrt()
