"""The authors' outputs on our own inputs; the files are beside the repository, not in it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "golden"
AVAILABLE = FOLDER.is_dir()
needs_golden = pytest.mark.skipif(not AVAILABLE, reason="../shared/golden is not here")


def load(name: str) -> dict[str, np.ndarray]:
    """Every array of a file; empty where the fixtures are absent, so that tests can skip."""
    if not AVAILABLE:
        return {}
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def keys_of(arrays: dict[str, np.ndarray], suffix: str) -> list[str]:
    """The keys that end with the suffix, without it."""
    return sorted(key[: -len(suffix)] for key in arrays if key.endswith(suffix))


def labels(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.int64))


def logits(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.copy()).requires_grad_()


def assert_equal_to_authors(
    value: Tensor, leaf: Tensor, loss: np.ndarray, gradient: np.ndarray, *, rtol: float = 1e-5
) -> None:
    """Loss within 1e-5 relative, or ``rtol``, gradient within 1e-6."""
    value.backward()
    assert leaf.grad is not None
    np.testing.assert_allclose(value.item(), float(loss), rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(leaf.grad.numpy().reshape(gradient.shape), gradient, atol=1e-6)
