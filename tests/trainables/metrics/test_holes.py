"""Holes and islands: by hand, against a flood fill written pixel by pixel, and at void."""

import pytest
import torch
from torch import Tensor

from tests.trainables.metrics.conftest import random_maps, square
from trainables.metrics.holes import hole_counts
from trainables.metrics.per_image import count
from trainables.metrics.summaries import by_class, summarize

EDGES = ((0, 1), (1, 0), (0, -1), (-1, 0))
CORNERS = (*EDGES, (1, 1), (1, -1), (-1, 1), (-1, -1))


def pieces(
    mask: list[list[bool]], steps: tuple[tuple[int, int], ...]
) -> list[set[tuple[int, int]]]:
    """The connected pieces of a mask, by walking from pixel to pixel."""
    left = {(r, c) for r, row in enumerate(mask) for c, inside in enumerate(row) if inside}
    found = []
    while left:
        piece, walk = set(), [left.pop()]
        while walk:
            r, c = walk.pop()
            piece.add((r, c))
            for down, right in steps:
                if (r + down, c + right) in left:
                    left.remove((r + down, c + right))
                    walk.append((r + down, c + right))
        found.append(piece)
    return found


def brute_force(predicted: Tensor, labels: Tensor, cls: int) -> list[int]:
    """The definition of ``holes.py``, of one image."""
    rows, columns = labels.shape
    true = {tuple(place) for place in (labels == cls).nonzero().tolist()}
    not_class = ((predicted != cls) & (labels != 255)).tolist()
    holes = [
        piece & true
        for piece in pieces(not_class, EDGES)
        if not any(r in (0, rows - 1) or c in (0, columns - 1) for r, c in piece)
    ]
    islands = pieces(((predicted == cls) & (labels != 255)).tolist(), CORNERS)
    if not islands:
        return [0, 0, 0]
    return [
        sum(map(len, holes)),
        sum(bool(hole) for hole in holes),
        sum(not piece & true for piece in islands),
    ]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equal_to_a_flood_fill(seed: int) -> None:
    predicted, labels = random_maps(seed, height=24, width=30)
    # Much noise: holes in holes, islands that touch by a corner, pieces at the end of the image.
    noise = torch.rand(labels.shape, generator=torch.Generator().manual_seed(seed)) < 0.2
    predicted = predicted.where(~noise, (predicted + 1) % 4).masked_fill(labels == 255, 255)

    found = hole_counts(predicted, labels, 4)

    expected = [
        [brute_force(p, y, cls) for cls in range(4)] for p, y in zip(predicted, labels, strict=True)
    ]
    assert found.tolist() == expected
    assert (found.sum(dim=(0, 1)) > 10).all()


def test_a_ring_and_a_speck_by_hand() -> None:
    labels, predicted = square(10), square(10)
    predicted[:, 13:15, 13:16] = 0  # a hole of six pixels
    predicted[:, 2, 2] = 1  # an island

    metrics = by_class(count(predicted, labels, 2, with_holes=True))

    assert metrics["hole_area"].tolist() == pytest.approx([1 / 1500, 6 / 100])  # the speck, too
    assert metrics["holes"].tolist() == [1, 1]
    assert metrics["islands"].tolist() == [1, 1]  # the hole is an island of the background


def test_a_hole_that_the_truth_has_is_none_nor_is_one_open_to_the_end_of_the_image() -> None:
    labels = square(10)
    labels[:, 13:15, 13:15] = 0
    bay = torch.ones(1, 9, 9, dtype=torch.int64)
    bay[:, :4, 4] = 0

    assert not hole_counts(labels, labels, 2).any()
    assert hole_counts(bay, torch.ones_like(bay), 2)[0, 1].tolist() == [0, 0, 0]


def test_void_makes_no_hole_and_fills_none() -> None:
    labels, predicted = square(10), square(10)
    labels[:, 13, 13:15] = 255
    predicted[:, 13, 13:15] = 255
    assert not hole_counts(predicted, labels, 2).any()
    predicted[:, 13, 15] = 0
    assert hole_counts(predicted, labels, 2)[0, 1].tolist() == [1, 1, 0]


def test_they_are_measured_on_request_alone() -> None:
    names = {"hole_area", "holes", "islands"}

    assert not names & summarize(count(square(13), square(10), 2)).keys()
    assert names <= summarize(count(square(13), square(10), 2, with_holes=True)).keys()
