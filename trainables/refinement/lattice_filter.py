"""The permutohedral lattice: Gaussian sums over all pixels in a time that grows with their number.

Adams, Baek and Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice",
Eurographics 2010, in the form in which Krähenbühl and Koltun released it with their CRF: values are
spread over the corners of simplices, blurred along each axis, and read back. It approximates
``exact_filter``.

Shape letters: N pixels, D features, E = D + 1 axes and corners, M lattice points, K classes.
"""

from math import sqrt

import torch
from torch import Tensor

from trainables.refinement.gaussian_filter import Filter


def lattice_filter(features_ND: Tensor) -> Filter:
    """The filter of these features, which must be few: their points are numbered in 63 bits.

    It needs memory for a few copies of the values, at the pixels and at the points; there are at
    most E points a pixel.

    Raises:
        ValueError: the features reach too far for such numbers.
    """
    place_EN, share_EN, neighbours = _lattice(features_ND)
    corners, points = len(place_EN), len(neighbours[0][0])
    scale = 1 / (1 + 2.0 ** (1 - corners))

    def sums(values_NK: Tensor) -> Tensor:
        # The last point stands for neighbours that are not there.
        found_MK = values_NK.new_zeros(points + 1, values_NK.shape[1])
        for place_N, share_N in zip(place_EN, share_EN, strict=True):
            found_MK.index_add_(0, place_N, share_N[:, None] * values_NK)
        for before_M, after_M in neighbours:
            beside_MK = (found_MK[before_M] + found_MK[after_M]).mul_(0.5)
            found_MK[:points] += beside_MK
        read_NK = torch.zeros_like(values_NK)
        for place_N, share_N in zip(place_EN, share_EN, strict=True):
            read_NK.addcmul_(found_MK[place_N], share_N[:, None])
        return read_NK.mul_(scale)

    return sums


def _lattice(features_ND: Tensor) -> tuple[Tensor, Tensor, list[tuple[Tensor, Tensor]]]:
    """The lattice points around each pixel (E,N), what each takes of it (E,N), and along each axis
    the neighbours of every point on either side, (M,) and (M,)."""
    elevated_NE = _elevated(features_ND)
    nearest_NE, rank_NE = _nearest(elevated_NE)
    share_NE = _shares(elevated_NE - nearest_NE, rank_NE)
    codes_EN, radix_D = _numbered(nearest_NE.long(), rank_NE)
    known_M, place_EN = codes_EN.unique(return_inverse=True)
    axes = range(share_NE.shape[1])
    neighbours = [_beside(known_M, radix_D, axis) for axis in axes]
    return place_EN, share_NE.T.contiguous(), neighbours


def _elevated(features_ND: Tensor) -> Tensor:
    """(N,E): the features on the plane whose coordinates sum to 0, scaled to the blur's width."""
    dims = features_ND.shape[1]
    elevated_NE = features_ND.new_zeros(len(features_ND), dims + 1)
    total_N = features_ND.new_zeros(len(features_ND))
    for axis in range(dims, 0, -1):
        scale = sqrt(2 / 3) * (dims + 1) / sqrt((axis + 1) * axis)
        value_N = features_ND[:, axis - 1] * scale
        elevated_NE[:, axis] = total_N - axis * value_N
        total_N = total_N + value_N
    elevated_NE[:, 0] = total_N
    return elevated_NE


def _nearest(elevated_NE: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest point whose coordinates are multiples of E, and by axis the rank of the distance
    from it, the largest first."""
    corners = elevated_NE.shape[1]
    down_NE = torch.floor(elevated_NE / corners) * corners
    up_NE = torch.ceil(elevated_NE / corners) * corners
    nearest_NE = torch.where(up_NE - elevated_NE < elevated_NE - down_NE, up_NE, down_NE)
    excess_N = (nearest_NE.sum(dim=1) / corners).round().long()
    rest_NE = elevated_NE - nearest_NE
    # Of equal distances, the later axis has the smaller rank, as in the released code.
    smaller_NEE = rest_NE[:, :, None] < rest_NE[:, None, :]
    equal_NEE = rest_NE[:, :, None] == rest_NE[:, None, :]
    later_EE = torch.ones(corners, corners, device=rest_NE.device).triu(1).bool()
    rank_NE = (smaller_NEE | (equal_NEE & later_EE.T)).sum(dim=2) + excess_N[:, None]
    wrapped_NE = (rank_NE < 0).long() - (rank_NE > corners - 1).long()
    return nearest_NE + wrapped_NE * corners, rank_NE + wrapped_NE * corners


def _shares(rest_NE: Tensor, rank_NE: Tensor) -> Tensor:
    """(N,E): the barycentric coordinates of each pixel in its simplex."""
    corners = rest_NE.shape[1]
    weights_NE = rest_NE / corners
    shares = rest_NE.new_zeros(len(rest_NE), corners + 1)
    shares.scatter_add_(1, corners - 1 - rank_NE, weights_NE)
    shares.scatter_add_(1, corners - rank_NE, -weights_NE)
    shares[:, 0] += 1 + shares[:, corners]
    return shares[:, :corners]


def _numbered(nearest_NE: Tensor, rank_NE: Tensor) -> tuple[Tensor, Tensor]:
    """One number (E,N) for each corner's lattice point, and what a step along each coordinate adds
    (D,). The last coordinate follows from the others: all of them sum to 0."""
    corners = nearest_NE.shape[1]
    nearest_ND, rank_ND = nearest_NE[:, :-1], rank_NE[:, :-1]
    low_D = nearest_ND.amin(dim=0) - 2 * corners  # with a margin for neighbours
    span_D = nearest_ND.amax(dim=0) + 2 * corners - low_D
    radix = [1]
    for span in span_D.tolist():
        radix.append(radix[-1] * span)
    if radix[-1] >= 2**63:
        raise ValueError(
            "dense_crf/appearance_sxy and dense_crf/appearance_srgb must be larger with "
            "dense_crf/filter lattice: 63 bits do not number the points of so fine a lattice"
        )
    radix_D = torch.tensor(radix[:-1], device=nearest_NE.device)
    first_N = ((nearest_ND - low_D) * radix_D).sum(dim=1)
    codes = [
        first_N + ((corner - corners * (rank_ND >= corners - corner)) * radix_D).sum(dim=1)
        for corner in range(corners)
    ]
    return torch.stack(codes), radix_D


def _beside(known_M: Tensor, radix_D: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The places of every point's two neighbours along an axis; M where there is none."""
    dims = len(radix_D)
    step = -int(radix_D.sum()) + (int(radix_D[axis]) * (dims + 1) if axis < dims else 0)
    return _places(known_M, known_M + step), _places(known_M, known_M - step)


def _places(known_M: Tensor, sought_M: Tensor) -> Tensor:
    place_M = torch.searchsorted(known_M, sought_M).clamp_(max=len(known_M) - 1)
    return torch.where(known_M[place_M] == sought_M, place_M, len(known_M))
