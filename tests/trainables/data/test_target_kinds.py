"""Maps beside the labels move with their image: against closed forms."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.config import DataConfig, TrialConfig
from trainables.config.tasks import TARGETS, TaskName
from trainables.data import target_kinds
from trainables.data.augment import augment
from trainables.data.draw import Draw
from trainables.data.maps import Maps
from trainables.data.preview import target_picture
from trainables.data.targets import BYTES, MISSING

STILL = Draw(flip=0.9, scale=0.5, top=0.0, left=0.0, brightness=0.5)
SIDE = 33
PLANE = (0.5, 0.25, -0.15)
"""Inverse depth: value in the middle, and its slopes to the right and down."""


def plane(value: float, across: float, down: float) -> Maps:
    """An image of a plane, whose red is its depth; the camera's axis goes through its middle."""
    y, x = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) / SIDE
    q = value + across * x + down * y
    normal = np.stack((np.full_like(q, -across), np.full_like(q, -down), np.full_like(q, value)))
    unit = normal / np.linalg.norm(normal, axis=0)
    depth = torch.from_numpy((1 / q).astype(np.float32))
    image = torch.zeros((3, SIDE, SIDE), dtype=torch.uint8)
    labels = torch.from_numpy(((x > 0) + 2 * (y > 0)).astype(np.uint8))
    edge = torch.from_numpy((np.abs(x) < 0.5 / SIDE).astype(np.uint8))
    targets: dict[TaskName, Tensor] = {
        "edge": edge,
        "depth": depth,
        "normals": torch.from_numpy(unit.astype(np.float32)),
        "saliency": (labels == 3).byte(),
        "parts": labels.clone(),
    }
    return Maps(image, labels, targets)


def moved(**changes: object) -> Maps:
    config = DataConfig(**{"flip": False, **changes})  # type: ignore[arg-type]
    return augment(plane(*PLANE), config, STILL)


def test_every_kind_has_its_properties() -> None:
    assert set(TARGETS) == set(MISSING) == set(BYTES) == set(get_args(TaskName)) - {"semseg"}


@pytest.mark.parametrize(
    ("changes", "signs"), [({"flip": True}, (-1, 1)), ({"flip_vertical": True}, (1, -1))]
)
def test_a_mirrored_plane_is_the_plane_mirrored(
    changes: dict[str, bool], signs: tuple[int, int]
) -> None:
    value, across, down = PLANE
    expected = plane(value, signs[0] * across, signs[1] * down)
    config, seen = DataConfig(**{"flip": False, **changes}), 0  # type: ignore[arg-type]
    for index in range(12):
        found = augment(plane(*PLANE), config, Draw.of(0, 1, index))
        if torch.equal(found.labels_HW, plane(*PLANE).labels_HW):
            assert all(map(torch.equal, found.targets.values(), plane(*PLANE).targets.values()))
            continue
        seen += 1
        for task in ("depth", "normals"):
            assert torch.allclose(found.targets[task], expected.targets[task], atol=1e-6)
        assert torch.equal(found.targets["parts"], found.labels_HW)
        assert torch.equal(found.targets["saliency"], (found.labels_HW == 3).byte())
    assert 2 < seen < 10


def test_a_turned_plane_is_the_plane_turned_with_its_normals() -> None:
    value, across, down = PLANE
    angles = []
    for index in range(8):
        draw = Draw.of(0, 1, index)
        config = DataConfig(flip=False, rotate=90)
        angle = float(np.deg2rad(draw.generator("rotate").uniform(-90, 90)))
        found = augment(plane(*PLANE), config, draw)
        # The content at a place comes from the place turned by the angle: so do the slopes.
        cos, sin = np.cos(angle), np.sin(angle)
        expected = plane(value, cos * across + sin * down, -sin * across + cos * down)
        known = found.targets["depth"].numpy() > 0
        inverse, theirs = (1 / one.targets["depth"].numpy()[known] for one in (found, expected))
        half_a_pixel = 0.5 * (abs(across) + abs(down)) / SIDE  # of the nearest one
        np.testing.assert_allclose(inverse, theirs, atol=1.5 * half_a_pixel)
        normals, others = (one.targets["normals"].numpy()[:, known] for one in (found, expected))
        np.testing.assert_allclose(normals, others, atol=1e-6)
        assert (found.targets["normals"].numpy()[:, ~known] == 0).all()
        assert (found.targets["edge"].numpy()[~known] == 255).all()
        angles.append(angle)
    assert min(angles) < -0.5 < 0.5 < max(angles)


def test_a_crop_is_a_window_and_padding_is_missing() -> None:
    whole, draw = plane(*PLANE), Draw(0.9, 0.5, 0.99, 0.99, 0.5)
    found = augment(whole, DataConfig(flip=False, crop_height=20, crop_width=12), draw)
    for task, map_ in found.targets.items():
        assert torch.equal(map_, whole.targets[task][..., -20:, -12:])
    larger = moved(crop_height=40, crop_width=50)
    for task, map_ in larger.targets.items():
        assert torch.equal(map_[..., :SIDE, :SIDE], whole.targets[task])
        assert bool((map_[..., SIDE:, :] == MISSING[task]).all())
        assert bool((map_[..., SIDE:] == MISSING[task]).all())


@pytest.mark.parametrize("zoom", [0.5, 2.0, 3.0])
def test_zoom_divides_depth_and_keeps_the_values_of_the_others(zoom: float) -> None:
    found = moved(scale_min=zoom, scale_max=zoom, crop_height=100, crop_width=100)
    size = round(zoom * SIDE)
    whole = plane(*PLANE)
    for task in ("depth", "normals", "parts"):
        map_ = found.targets[task][..., :size, :size]
        rows = (np.arange(size) * SIDE // size).tolist()
        expected = whole.targets[task][..., rows, :][..., rows]
        assert torch.allclose(map_, expected / zoom if task == "depth" else expected)
    length = found.targets["normals"][:, :size, :size].norm(dim=0)
    assert torch.allclose(length, torch.ones(()), atol=1e-6)


def test_no_edge_is_lost_when_an_image_shrinks_and_what_is_missing_stays_so() -> None:
    edge = torch.zeros((12, 12), dtype=torch.uint8)
    edge[:, 5] = 1
    edge[8:, :] = 255
    edge[9, 2] = 0
    for size in ((6, 6), (12, 5), (3, 4), (7, 7)):
        small = target_kinds.resized("edge", edge, size)
        for place in np.ndindex(*size):
            rows = [i for i in range(12) if _bin(i, size[0]) == place[0]]
            columns = [i for i in range(12) if _bin(i, size[1]) == place[1]]
            area = edge[rows][:, columns]
            expected = 1 if bool((area == 1).any()) else 0 if bool((area == 0).any()) else 255
            assert int(small[place]) == expected
    assert torch.equal(target_kinds.resized("edge", edge, (24, 24))[::2, ::2], edge)


def _bin(place: int, count: int) -> int:
    """The new pixel of a place: areas begin at i * 12 // count."""
    starts = [number * 12 // count for number in range(count)]
    return max(number for number, start in enumerate(starts) if start <= place)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data/loader": "device"}, "data/loader must be auto, threads or workers with data/t"),
        ({"data/elastic": 3.0}, "data/elastic must be 0 with depth or normals in data/targets"),
        ({"data/grid_distortion": 0.2}, "data/grid_distortion must be 0 with depth or normals"),
        ({"data/targets": "depth,edge"}, "data/targets must be '' or some of edge,depth"),
    ],
)
def test_what_no_map_can_follow_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrialConfig().changed({"data/targets": "edge,depth", **changes})  # type: ignore[dict-item]


def test_pictures_have_the_usual_colours() -> None:
    right, up, viewer, none = (1, 0, 0), (0, -1, 0), (0, 0, 1), (0, 0, 0)
    normals = np.array([[right, up, viewer, none]], dtype=np.float32)
    expected = [[(255, 128, 128), (128, 255, 128), (128, 128, 255), (128, 128, 128)]]
    assert np.array_equal(target_picture("normals", normals), expected)
    depth = np.array([[0, 1, 3, 2]], dtype=np.float32)
    missing, near, far, _ = target_picture("depth", depth)[0].tolist()
    assert (missing, near, far) == ([128] * 3, [68, 1, 84], [253, 231, 37])
    edge = np.array([[0, 1, 255]], dtype=np.uint8)
    assert target_picture("edge", edge)[0, :, 0].tolist() == [0, 255, 128]
