"""Scaling and turning as the public code of MTI-Net and ASTMT, against its outputs."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.config import DataConfig
from trainables.config.tasks import TaskName
from trainables.data import released_moves, target_kinds
from trainables.data.augment import augment
from trainables.data.draw import Draw
from trainables.data.maps import Maps
from trainables.data.targets import MISSING

ARRAYS = golden.load("multitask_augment")
CASES = [key.removesuffix("/params") for key in golden.keys_of(ARRAYS, "_rot_scale_flip")]
NAMES: Mapping[TaskName, str] = {
    "edge": "edge",
    "depth": "depth",
    "normals": "normals",
    "saliency": "sal",
    "parts": "human_parts",
}


def array(case: str, stage: str, name: str) -> np.ndarray:
    return ARRAYS[f"{case}/{stage}/{name}"]


def target(case: str, stage: str, task: TaskName) -> Tensor:
    """A map of the golden file with our mark of missing values; there it is 255 at the end."""
    values = array(case, stage, NAMES[task])
    if task in ("depth", "normals"):
        values = np.where(values == 255, 0, values).astype(np.float32)
    return target_kinds.to_tensor(task, values.copy())


def flipped(case: str, task: TaskName) -> Tensor:
    given = target(case, "in", task)
    return target_kinds.mirrored(task, given) if parameters(case)[2] else given


def parameters(case: str) -> tuple[float, float, bool]:
    degrees, zoom, flip = ARRAYS[f"{case}/params_rot_scale_flip"].tolist()
    return degrees, zoom, bool(flip)


@golden.needs_golden
@pytest.mark.parametrize("task", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_maps_are_those_of_the_public_code(case: str, task: TaskName) -> None:
    degrees, zoom, flip = parameters(case)
    if flip:
        assert torch.equal(flipped(case, task), target(case, "after_flip", task))
    size = tuple(ARRAYS[f"{case}/resolution"].tolist())
    ours = released_moves.moved_target(task, flipped(case, task), degrees, zoom, size)
    theirs = target(case, "final", task)
    if task in ("depth", "normals"):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    else:
        assert torch.equal(ours, theirs)


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_images_and_labels_are_those_of_the_public_code(case: str) -> None:
    degrees, zoom, flip = parameters(case)
    size = tuple(ARRAYS[f"{case}/resolution"].tolist())
    image = array(case, "in", "image")[:, :: -1 if flip else 1]
    ours = released_moves.moved_image(image, degrees, zoom, size)
    np.testing.assert_allclose(ours, array(case, "final", "image"), rtol=1e-5, atol=1e-3)
    labels = array(case, "in", "semseg")[:, :: -1 if flip else 1]
    moved = released_moves.moved_labels(labels, degrees, zoom, size)
    assert np.array_equal(moved, array(case, "final", "semseg"))


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_our_own_turn_and_zoom_mean_the_same(case: str) -> None:
    """Of its own frame: depths are those of the image, divided; normals are turned alike."""
    degrees, zoom, _ = parameters(case)
    depths = np.unique(target(case, "after_scale_rot", "depth"))
    known = flipped(case, "depth")
    ours = target_kinds.zoomed("depth", known, tuple(known.shape), zoom)  # type: ignore[arg-type]
    assert np.isin(depths, np.append(np.unique(ours), MISSING["depth"])).all()
    straight = flipped(case, "normals")
    turned = target_kinds.turned("normals", straight, -np.deg2rad(degrees))
    in_plane = torch.atan2(straight[0], straight[1]) + np.deg2rad(degrees)  # as its formula has it
    length = straight[:2].norm(dim=0)
    formula = torch.stack((in_plane.sin() * length, in_plane.cos() * length, straight[2]))
    torch.testing.assert_close(turned, formula.float(), rtol=1e-5, atol=1e-6)


def test_a_config_reaches_them() -> None:
    image = torch.arange(3 * 20 * 30, dtype=torch.int64).view(3, 20, 30).remainder(251).byte()
    labels = torch.full((20, 30), 3, dtype=torch.uint8)
    maps = Maps(image, labels, {"depth": torch.full((20, 30), 2.0)})
    config = DataConfig(
        moves="released",
        rotate=20,
        scale_min=0.75,
        scale_max=1.25,
        crop_height=16,
        crop_width=16,
        targets="depth",
    )
    draw = Draw(flip=0.9, scale=0.0, top=0.5, left=0.5, brightness=0.5, key=(0, 1, 2))
    found = augment(maps, config, draw)
    assert found.image_CHW.shape == (3, 16, 16)
    assert found.image_CHW.dtype == torch.uint8
    assert set(found.labels_HW.unique().tolist()) == {0, 3}  # outside is class 0, as there
    depths = found.targets["depth"].unique().tolist()
    assert depths == pytest.approx([0, 2 / 0.75])
    with pytest.raises(ValueError, match=r"data/elastic must be 0\.0 with data/moves=released"):
        DataConfig(moves="released", elastic=2.0)
