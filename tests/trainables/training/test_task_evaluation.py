"""Every task of a list is measured, on any number of ranks, with a segmentation or without one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.data.batch import Batch
from trainables.data.batches import evaluation_batches
from trainables.data.dataset import ImageList
from trainables.metrics import counts_file
from trainables.metrics.other_tasks.counts import task_metrics
from trainables.training import predictions
from trainables.training.evaluation import Evaluation, evaluate, packed
from trainables.training.task_counts import TaskCounts

CPU = torch.device("cpu")
CHANNELS: dict[TaskName, int] = {
    "semseg": 3,
    "edge": 1,
    "depth": 1,
    "normals": 3,
    "saliency": 1,
    "parts": 4,
}


@pytest.fixture
def images() -> ImageList:
    """Five images whose red is 0.5, with maps beside their labels; some values are missing."""
    rng, size = np.random.default_rng(0), (5, 12, 16)
    normals = rng.normal(size=(*size, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[:, :2] = 0
    marked = {name: rng.integers(0, 2, size).astype(np.uint8) for name in ("edge", "saliency")}
    for map_NHW in marked.values():
        map_NHW[:, -1] = 255
    return ImageList(
        np.full((*size, 3), 128, dtype=np.uint8),
        rng.integers(0, 3, size).astype(np.uint8),
        tuple("abcde"),
        targets={
            "edge": marked["edge"],
            "depth": rng.uniform(0, 3, size).astype(np.float32),
            "normals": normals,
            "saliency": marked["saliency"],
            "parts": rng.integers(0, 4, size).astype(np.uint8),
        },
    )


def predict(images_BCHW: Tensor) -> Tensor:
    """The stack of all heads: the same for every image."""
    shape = (10, *images_BCHW.shape[-2:])
    maps_MHW = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return torch.cat((torch.zeros(3, *shape[1:]), maps_MHW)).expand(len(images_BCHW), -1, -1, -1)


def measured(images: ImageList, channels: dict[TaskName, int], ranks: int = 1) -> list[Evaluation]:
    """The list as each of some ranks measures its share of it."""

    def of_rank(number: int) -> Evaluation:
        def batches(split: ImageList, **_: int) -> Iterator[tuple[NDArray[np.int64], Batch]]:
            return evaluation_batches(split, batch=2, rank=number, ranks=ranks)

        tasks = TaskCounts(len(images), channels, 3, CPU)
        return evaluate(predict, images, 3, 2, CPU, batches=batches, tasks=tasks)

    return [of_rank(number) for number in range(ranks)]


def test_the_shares_of_two_ranks_add_up_to_the_complete_list(images: ImageList) -> None:
    (alone,) = measured(images, CHANNELS)
    shares = measured(images, CHANNELS, ranks=2)

    for task, table in alone.task_counts.items():
        first, second = (share.task_counts[task] for share in shares)
        assert torch.equal(first + second, table)
    assert {"miou", "ods_f", "depth_rmse", "normals_mean_angle"} <= alone.metrics.keys()
    assert {"saliency_miou", "parts_miou"} <= alone.metrics.keys()
    assert not any(np.isnan(alone.metrics[name]) for name in task_metrics(alone.task_counts))


def test_nothing_of_a_segmentation_is_reported_where_none_is_trained(images: ImageList) -> None:
    channels: dict[TaskName, int] = {"depth": 1}

    def metres(images_BCHW: Tensor) -> Tensor:
        return torch.cat((torch.zeros(len(images_BCHW), 3, 12, 16), images_BCHW[:, :1]), dim=1)

    tasks = TaskCounts(5, channels, 3, CPU)
    found = evaluate(metres, images, 3, 2, CPU, tasks=tasks)

    assert list(found.metrics) == ["depth_rmse"]
    assert found.losses == {}
    assert found.predictions == ()
    depth = images.targets["depth"]
    error = (np.asarray(depth)[np.asarray(depth) > 0] - 128 / 255) ** 2
    assert found.metrics["depth_rmse"] == pytest.approx(float(np.sqrt(error.mean())), rel=1e-6)


def test_no_edges_are_counted_without_thresholds(images: ImageList) -> None:
    tasks = TaskCounts(5, CHANNELS, 0, CPU)

    found = evaluate(predict, images, 3, 2, CPU, tasks=tasks)

    assert "ods_f" not in found.metrics
    assert "depth_rmse" in found.metrics


def test_counts_and_predictions_come_back_from_their_files(
    images: ImageList, tmp_path: Path
) -> None:
    (found,) = measured(images, CHANNELS)
    path = tmp_path / "counts.npz"
    path.write_bytes(packed(found, images.names))

    tables = counts_file.load_task_counts(path)
    shown = predictions.unpack(predictions.pack(found.predictions, found.task_predictions))

    assert task_metrics(tables).items() <= found.metrics.items()
    assert torch.equal(counts_file.load(path).overlap_NK3, found.counts.overlap_NK3)
    assert len(shown.labels) == 4
    assert {task: (maps[0].shape, maps[0].dtype.name) for task, maps in shown.tasks.items()} == {
        "edge": ((12, 16), "uint8"),
        "depth": ((12, 16), "float16"),
        "normals": ((12, 16, 3), "uint8"),
        "saliency": ((12, 16), "uint8"),
        "parts": ((12, 16), "uint8"),
    }


def test_files_of_older_versions_have_no_further_tasks(images: ImageList, tmp_path: Path) -> None:
    (found,) = measured(images, CHANNELS)
    path = tmp_path / "counts.npz"
    path.write_bytes(counts_file.pack(found.counts, list(images.names)))

    assert counts_file.load_task_counts(path) == {}
    assert not predictions.unpack(predictions.pack(found.predictions)).tasks
