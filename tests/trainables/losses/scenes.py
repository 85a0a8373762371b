"""Small inputs for tests that work a loss out by hand."""

import torch
from torch import Tensor

from trainables.geometry.boundaries import VOID


def logits_of(prob: list[list[float]]) -> Tensor:
    """(1,K,1,W) logits whose softmax is these probabilities: one list per pixel."""
    return torch.tensor(prob, dtype=torch.float64).log().T[None, :, None, :]


def labels_of(*labels: int) -> Tensor:
    return torch.tensor(labels)[None, None]


def random_scene(rows: int = 13, columns: int = 17, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(0, classes, (2, rows, columns), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = VOID
    return torch.randn(2, classes, rows, columns, generator=generator).double(), labels
