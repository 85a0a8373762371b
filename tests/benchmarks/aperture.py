"""How well a shift can be recovered from two boundary tiles at all, by oracles that know both.

A straight boundary looks the same however far it is moved along itself. These oracles see what the
networks see, a true tile and its shifted version, and also know that the only change is a shift by
full pixels. Shifts that they cannot rank, no network can.
Shape letters: N pairs, S tile side, K candidate shifts.
"""

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from trainables.stages.inverse_net.quality import LONGEST_PX, rank, ranked_shifts
from trainables.stages.inverse_net.tile_pairs import TileSource


def oracle_ranks(source: TileSource, seed: int = 0) -> dict[str, float]:
    """Rank correlations with the true shift over the pairs of ``shift_rank_pooled``.

    ``oracle_least``: of the least shift that explains the pair; ``oracle_mean``: of the mean
    length of all that do, each as likely as the pairs are drawn, which is Bayes' answer;
    ``oracle_chamfer``: of the mean distance between the two boundaries.
    """
    pairs = ranked_shifts(source, seed)
    true_NSS = pairs.true_NSS.repeat(len(pairs.moved_LNSS), 1, 1)
    moved_NSS, shift_N = pairs.moved_LNSS.flatten(0, 1), pairs.shift_LN.flatten()
    column_K, row_K = candidates()
    length_K = torch.hypot(column_K.float(), row_K.float())
    explains_NK = torch.stack(
        [
            explained(moved_NSS, true_NSS, column, row)
            for column, row in zip(column_K.tolist(), row_K.tolist(), strict=True)
        ],
        dim=1,
    )
    least_N = torch.where(explains_NK, length_K, torch.inf).amin(dim=1)
    likely_NK = explains_NK / length_K.clamp(min=0.5)  # lengths are drawn evenly, not areas
    mean_N = (likely_NK * length_K).sum(dim=1) / likely_NK.sum(dim=1)
    oracles = {"least": least_N, "mean": mean_N, "chamfer": chamfer(moved_NSS, true_NSS)}
    return {
        f"oracle_{name}": rank(told_N.numpy(), shift_N.numpy()) for name, told_N in oracles.items()
    }


def candidates() -> tuple[Tensor, Tensor]:
    """(K,) columns and (K,) rows: every shift by full pixels that a pair can be drawn with."""
    step = torch.arange(-LONGEST_PX, LONGEST_PX + 1)
    column_K, row_K = (grid.flatten() for grid in torch.meshgrid(step, step, indexing="xy"))
    near_K = (
        column_K**2 + row_K**2 <= (LONGEST_PX + 0.71) ** 2
    )  # both coordinates may have been rounded up
    return column_K[near_K], row_K[near_K]


def explained(moved_NSS: Tensor, true_NSS: Tensor, column: int, row: int) -> Tensor:
    """Bool (N,): whether the moved tile is the true one at this shift, where both are known."""
    side = true_NSS.shape[1]

    def overlap(tiles_NSS: Tensor, down: int, right: int) -> Tensor:
        down, right = max(down, 0), max(right, 0)
        return tiles_NSS[
            :, down : side - max(row, -row) + down, right : side - max(column, -column) + right
        ]

    return (overlap(moved_NSS, -row, -column) == overlap(true_NSS, row, column)).all(2).all(1)


def chamfer(moved_NSS: Tensor, true_NSS: Tensor) -> Tensor:
    """(N,): mean distance from one boundary to the other, both ways; 2 S where one is empty."""
    far = 2.0 * true_NSS.shape[1]
    between = [
        (_to(one_SS, other_SS, far) + _to(other_SS, one_SS, far)) / 2
        for one_SS, other_SS in zip(moved_NSS > 0, true_NSS > 0, strict=True)
    ]
    return torch.tensor(between)


def _to(from_SS: Tensor, to_SS: Tensor, far: float) -> float:
    if not from_SS.any() or not to_SS.any():
        return far
    return float(distance_transform_edt(~to_SS.numpy())[from_SS.numpy()].mean())
