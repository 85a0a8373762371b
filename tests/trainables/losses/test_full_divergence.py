"""FKL of the Active Boundary Loss paper (Eq. 7), worked out by hand."""

import math

import pytest
import torch.nn.functional as F

from tests.trainables.losses.scenes import labels_of, logits_of, random_scene
from trainables.geometry.boundaries import VOID
from trainables.losses.full_divergence import full_divergence


def test_full_divergence_of_three_pixels() -> None:
    logits = logits_of([[0.5, 0.5], [0.9, 0.1], [0.9, 0.1]])
    first = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    term = full_divergence(logits, labels_of(0, 1, 1))
    # The labels of the first edge differ; the second edge has no divergence, and costs ln 2.
    assert term.total.item() == pytest.approx(math.log1p(math.exp(-first)) + math.log(2))
    assert term.count == 2
    alone = full_divergence(logits, labels_of(0, 0, VOID))
    assert alone.total.item() == pytest.approx(math.log1p(math.exp(first)))
    assert alone.count == 1


def test_full_divergence_meets_every_edge_once() -> None:
    logits, labels = random_scene()
    log_prob = logits.log_softmax(1)
    total, count = 0.0, 0
    for b in range(2):
        for r in range(13):
            for c in range(17):
                for i, j in ((r + 1, c), (r, c + 1)):
                    if i == 13 or j == 17 or VOID in (labels[b, r, c], labels[b, i, j]):
                        continue
                    p, q = log_prob[b, :, r, c], log_prob[b, :, i, j]
                    kl = (p.exp() * (p - q)).sum()
                    differs = (labels[b, r, c] != labels[b, i, j]).double()
                    total += F.binary_cross_entropy_with_logits(kl, differs).item()
                    count += 1
    term = full_divergence(logits, labels)
    assert term.count == count
    assert term.total.item() == pytest.approx(total)
