"""Depth, normals, edges and saliency of ``shapes`` against their formulas, and as batches."""

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.config.tasks import TaskName
from trainables.data import Dataset, load
from trainables.data.batches import evaluation_batches, training_batches
from trainables.data.layouts import shapes, shapes_targets
from trainables.geometry.boundaries import VOID

NAMES = "edge,depth,normals,saliency"
FEW = {"train_images": 5, "val_images": 2, "test_images": 1, "height": 96, "width": 128}


def scenes(targets: str = NAMES, **changes: object) -> Dataset:
    return load(DataConfig(**{**FEW, "targets": targets, **changes}))  # type: ignore[arg-type]


def objects_of(index: int) -> NDArray[np.int64]:
    """By pixel, the number of the last object painted there; 0 is the background."""
    found = shapes.drawn("train", index, 96, 128)
    object_HW = np.zeros(found.labels_HW.shape, dtype=np.int64)
    for number, mask_HW in enumerate(found.masks, start=1):
        object_HW[mask_HW] = number
    return object_HW


def target(task: TaskName, index: int) -> NDArray[np.float64]:
    return np.asarray(scenes().splits["train"].targets[task][index], dtype=np.float64)


def test_scenes_stay_as_they_are() -> None:
    plain, with_targets = scenes(""), scenes()
    for split, images in plain.splits.items():
        other = with_targets.splits[split]
        assert np.array_equal(images.images_NHWC, other.images_NHWC)
        assert np.array_equal(images.labels_NHW, other.labels_NHW)
        assert not images.targets
        assert list(other.targets) == NAMES.split(",")


def test_normals_are_those_of_the_depth() -> None:
    """A surface X = z (x, y, 1) has the tangents dX/du and dX/dv; its normal is orthogonal."""
    x_HW, y_HW = shapes_targets.rays((96, 128))
    for index in range(5):
        depth_HW, normals_HW3, object_HW = (
            target("depth", index),
            target("normals", index),
            objects_of(index),
        )
        space_HW3 = depth_HW[..., None] * np.stack((x_HW, y_HW, np.ones_like(x_HW)), axis=2)
        camera_HW3 = normals_HW3 * (1, 1, -1)  # z away from the viewer, as the points have it
        for axis in (0, 1):
            before, after = np.roll(space_HW3, 1, axis), np.roll(space_HW3, -1, axis)
            same_HW = (np.roll(object_HW, 1, axis) == object_HW) & (
                np.roll(object_HW, -1, axis) == object_HW
            )
            inner_HW = np.pad(np.ones((88, 120), dtype=bool), 4)
            tangent = (after - before)[same_HW & inner_HW]
            tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
            across = (tangent * camera_HW3[same_HW & inner_HW]).sum(axis=1)
            assert np.abs(across).max() < 2e-2  # a bulge's secant is not quite its tangent
            assert np.abs(across).mean() < 1e-3
        seen = depth_HW > 0
        np.testing.assert_allclose(np.linalg.norm(normals_HW3[seen], axis=1), 1, atol=1e-6)
        assert (space_HW3[seen] * camera_HW3[seen]).sum(axis=1).max() < 0  # it faces the viewer


def test_what_is_painted_later_is_nearer() -> None:
    for index in range(5):
        found = shapes.drawn("train", index, 96, 128)
        surfaces = shapes_targets.surfaces(found.masks, found.classes, [1, index])
        nearest_HW = shapes_targets.floor((96, 128)).q
        for mask_HW, surface in zip(found.masks, surfaces, strict=True):
            assert (surface.q > nearest_HW)[mask_HW].all()
            nearest_HW = np.where(mask_HW, surface.q, nearest_HW)
        depth_HW = target("depth", index)
        void_HW = found.labels_HW == VOID
        assert (depth_HW[void_HW] == 0).all()
        np.testing.assert_allclose(depth_HW[~void_HW], 1 / nearest_HW[~void_HW], rtol=1e-6)
        assert 1 / 1.1 < depth_HW[~void_HW].min() < depth_HW.max() <= 10


def test_edges_lie_on_the_nearer_object_and_saliency_on_the_nearest() -> None:
    for index in range(5):
        object_HW, edge_HW = objects_of(index), target("edge", index)
        for row, column in np.argwhere(edge_HW != VOID):
            beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            covers = any(object_HW[place] < object_HW[row, column] for place in beside)
            assert edge_HW[row, column] == covers
        salient_HW = target("saliency", index) == 1
        (number,) = set(np.unique(object_HW[salient_HW]))
        classes = shapes.drawn("train", index, 96, 128).classes
        inner_HW = edge_HW != VOID
        compact = [n for n in np.unique(object_HW[inner_HW]) if n and classes[n - 1] in (1, 2, 3)]
        assert number == max(compact)
        assert np.array_equal(salient_HW, (object_HW == number) & inner_HW)


def test_batches_carry_them_and_mirror_them() -> None:
    train = scenes().splits["train"]
    for _, batch in evaluation_batches(train, batch=5, rank=0, ranks=1):
        assert batch.targets["normals"].shape == (5, 3, 96, 128)
        assert {name: map_.dtype for name, map_ in batch.targets.items()} == {
            "edge": torch.uint8,
            "depth": torch.float32,
            "normals": torch.float32,
            "saliency": torch.uint8,
        }
    config = DataConfig(**FEW, targets=NAMES)  # type: ignore[arg-type]
    (made,) = training_batches(train, config, batch=5, seed=0, epoch=1, rank=0, ranks=1)
    turned = 0
    for place, labels_HW in enumerate(made.labels_BHW.numpy()):
        rows = [r for r in range(5) if np.array_equal(train.labels_NHW[r], labels_HW)]
        back = [r for r in range(5) if np.array_equal(train.labels_NHW[r][:, ::-1], labels_HW)]
        turned += len(back)
        row, step = (rows or back)[0], -1 if back else 1
        for task in ("edge", "depth", "saliency"):
            expected = train.targets[task][row][:, ::step]
            assert np.array_equal(made.targets[task][place], expected)
        normals_HW3 = train.targets["normals"][row][:, ::step] * np.array(
            [step, 1, 1], dtype=np.float32
        )
        assert np.array_equal(made.targets["normals"][place].permute(1, 2, 0), normals_HW3)
    assert 0 < turned < 5
