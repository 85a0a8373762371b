"""A batch augmented on its device is the batch that the CPU's threads make."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.config import DataConfig, Value
from trainables.config.pixels import RGB, Pixels
from trainables.data.batches import made, ready
from trainables.data.dataset import ImageList
from trainables.data.device_augment import augmented
from trainables.data.device_lists import copied
from trainables.data.draw import Draw
from trainables.data.images import joined

ONE_SIZE = [(48, 70)] * 4
MANY_SIZES = [(48, 70), (33, 91), (25, 40), (80, 37)]
CROP: dict[str, Value] = {"crop_height": 32, "crop_width": 40}
SCALED: dict[str, Value] = {"scale_min": 0.5, "scale_max": 2.0}
BANDS = Pixels(4, 16, (0.5, 0.4, 0.5, 0.5), (0.1,) * 4, (0.8, 0.9, 1.0, 0.7))
FLOATS = Pixels(3, 32, span=(5.0, 4.0, 1.0))


def image_list(sizes: list[tuple[int, int]], pixels: Pixels = RGB) -> ImageList:
    """Soft images, so that a place that is off by a little shows, and labels with edges."""
    rng = np.random.default_rng(0)
    images, labels = [], []
    for rows, columns in sizes:
        y, x = np.mgrid[:rows, :columns][..., None].astype(np.float64)
        wave = np.sin(y / 5 + np.arange(pixels.bands)) * np.cos(x / 7)
        image = (wave + 1) * 110 + rng.normal(0, 8, wave.shape)
        kind = {8: np.uint8, 16: np.uint16, 32: np.float32}[pixels.bits]
        full = {8: 1, 16: 257, 32: 1 / 50}[pixels.bits]
        images.append((image.clip(0, 255) * full).astype(kind))
        labels.append(((y // 7 + x // 9) % 9).astype(np.uint8)[..., 0])
        labels[-1][:2] = 255
    return ImageList(joined(images), joined(labels), tuple(map(str, range(len(sizes)))))


def both(
    sizes: list[tuple[int, int]], config: DataConfig, pixels: Pixels = RGB
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The images of three epochs, of threads and of the device."""
    images, rows = image_list(sizes, pixels), np.array([2, 0, 3, 1])
    on_device = copied(images, torch.device("cpu"))
    pairs = []
    for epoch in range(3):
        draws = [Draw.of(0, epoch, int(row)) for row in rows]
        threads = ready(made(images, config, rows, draws, pixels))
        pairs.append((threads, augmented(on_device.picked(rows), config, draws, pixels)))
    ours, theirs = zip(*pairs, strict=True)
    left, right = (
        tuple(torch.cat([one[part] for one in each]) for part in (0, 1)) for each in (ours, theirs)
    )
    return (left[0], left[1]), (right[0], right[1])


@pytest.mark.parametrize(
    ("sizes", "changes"),
    [
        (ONE_SIZE, {}),
        (ONE_SIZE, {"flip": False}),
        (MANY_SIZES, {**CROP, "flip_vertical": True, "brightness": 40.0}),
        (ONE_SIZE, {"crop_height": 64, "crop_width": 80}),
        (ONE_SIZE, SCALED),
        (MANY_SIZES, {**CROP, **SCALED, "flip_vertical": True, "brightness": 10.0}),
        (MANY_SIZES, {**CROP, "scale_min": 0.1, "scale_max": 4.0}),
        (MANY_SIZES, {**CROP, **SCALED, "color_jitter": 0.5}),
    ],
)
def test_photographs_have_the_same_bytes(
    sizes: list[tuple[int, int]], changes: dict[str, Value]
) -> None:
    (images, labels), (ours, theirs) = both(sizes, DataConfig(**changes))  # type: ignore[arg-type]
    assert torch.equal(images, ours)
    assert torch.equal(labels, theirs)
    assert (ours.dtype, theirs.dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize(
    ("sizes", "changes"),
    [
        (MANY_SIZES, {**CROP, "rotate": 20.0}),
        (ONE_SIZE, {"elastic": 4.0, "flip_vertical": True}),
        (ONE_SIZE, {"grid_distortion": 0.3}),
        (MANY_SIZES, {**CROP, **SCALED, "rotate": 9.0, "elastic": 3.0, "grid_distortion": 0.2}),
    ],
)
def test_deformed_photographs_differ_by_rounding_alone(
    sizes: list[tuple[int, int]], changes: dict[str, Value]
) -> None:
    (images, labels), (ours, theirs) = both(sizes, DataConfig(**changes))  # type: ignore[arg-type]
    apart = (255 * (images - ours)).round().abs()
    assert apart.max() <= 1
    assert (apart > 0).float().mean() < 1e-3
    assert torch.equal(labels, theirs)


@pytest.mark.parametrize("pixels", [BANDS, FLOATS], ids=["16-bit", "float"])
@pytest.mark.parametrize("more", [{}, {**SCALED, "brightness": 9.0}, {"rotate": 20.0}])
def test_other_bands_are_equal_within_rounding(pixels: Pixels, more: dict[str, Value]) -> None:
    config = DataConfig(**{**CROP, **more})  # type: ignore[arg-type]
    (images, labels), (ours, theirs) = both(MANY_SIZES, config, pixels)
    assert (images - ours).abs().max() <= (0 if not more else 2e-5)
    assert torch.equal(labels, theirs)
