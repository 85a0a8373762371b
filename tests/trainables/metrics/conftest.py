"""Outputs of the public tools, and maps made by hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"

Golden = Mapping[str, NDArray[np.float64]]


def load_golden(name: str) -> Golden:
    path = SHARED / "golden" / name
    if not path.exists():
        pytest.skip(f"needs {name} of the shared golden files")
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The maps are small; on a busy machine, threads that wait for each other take far longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def golden_boundary() -> Golden:
    return load_golden("metrics_boundary.npz")


@pytest.fixture(scope="session")
def golden_edges() -> Golden:
    return load_golden("edge_ods.npz")


@pytest.fixture(scope="session")
def golden_misc() -> Golden:
    return load_golden("misc.npz")


def cases(golden: Golden) -> list[str]:
    return sorted({key.split("/")[0] for key in golden if key.endswith("/pred")})


def maps(golden: Golden, case: str) -> tuple[Tensor, Tensor, int]:
    """Prediction and labels (1,H,W), number of classes."""
    predicted, labels = (
        torch.from_numpy(golden[f"{case}/{name}"].astype(np.int64))[None] for name in ("pred", "gt")
    )
    return predicted, labels, int(golden[f"{case}/num_classes"])


def random_maps(
    seed: int = 0, images: int = 2, height: int = 40, width: int = 56, num_classes: int = 4
) -> tuple[Tensor, Tensor]:
    """Voronoi labels with a void blot, a prediction shifted by (1,2) with noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    labels = np.empty((images, height, width), dtype=np.int64)
    for image in labels:
        seeds = rng.uniform((0, 0), (height, width), (9, 2))
        distance = (rows[..., None] - seeds[:, 0]) ** 2 + (columns[..., None] - seeds[:, 1]) ** 2
        image[:] = rng.integers(0, num_classes, 9)[distance.argmin(-1)]
    predicted = np.roll(labels, (1, 2), (1, 2))
    noise = rng.random(labels.shape) < 0.01
    predicted[noise] = rng.integers(0, num_classes, noise.sum())
    labels[:, 5:12, 20:30] = 255
    return torch.from_numpy(predicted), torch.from_numpy(labels)


def square(left: int, label: int = 1) -> Tensor:
    """Labels (1,40,40): 0, but for rows 10..19 of ten columns from ``left`` on."""
    labels = torch.zeros(1, 40, 40, dtype=torch.int64)
    labels[:, 10:20, left : left + 10] = label
    return labels
