"""Augmentation of a batch on the device where its images lie: ``augment.py``, gathered at once.

Each image has the random numbers of its ``Draw``, as on a CPU. Crops, mirrored images, brightness
and scaled photographs get the same bytes as there; deformed photographs too, except where float32
rounds a place otherwise.
Shape letters: B images, C bands, H rows, W columns of a crop.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import DataConfig
from trainables.config.pixels import RGB, Pixels
from trainables.data import warp
from trainables.data.augment import is_off, require_no_jitter
from trainables.data.batch import Batch
from trainables.data.deformation import Deformation, places
from trainables.data.device_lists import DeviceImages, on_device, one_size
from trainables.data.device_resize import Prepare, resized, sampled
from trainables.data.draw import Draw, corner_of, scaled_size, shift_of, turned
from trainables.data.images import Size
from trainables.data.jitter import color_jitter
from trainables.data.resampling import Side, side
from trainables.data.units import in_units
from trainables.geometry.boundaries import VOID


def augmented(
    images: DeviceImages, config: DataConfig, draws: list[Draw], pixels: Pixels = RGB
) -> Batch:
    """Images float (B,C,H,W) in the unit of their type and labels int64 (B,H,W), one draw each.

    Args:
        images: of the batch; they may differ in size if the config gives both sides of a crop.
        config: without augmentations of a plug-in.
        pixels: what the images are. Photographs are augmented in bytes, others in floats.
    """
    own = one_size(images) or (0, 0)
    size = config.crop_height or own[0], config.crop_width or own[1]
    crops = crops_of(images.sizes_N2, size, config, draws)
    if pixels.plain or is_off(config):
        values_BHWC, labels_BHW = _placed(images, crops, config, _as_stored, warp.GREY)
        values_BHWC = _recoloured(values_BHWC, config, draws)
        return Batch(in_units(values_BHWC).permute(0, 3, 1, 2), labels_BHW.long(), {})
    require_no_jitter(config, pixels)
    mean_C = torch.tensor(pixels.mean or (0.0,), device=images.device)
    fill = 0.0 if pixels.mean else warp.GREY / 255  # normalisation turns the mean into zero
    prepare: Prepare = (lambda x: in_units(x) - mean_C) if pixels.mean else in_units
    values_BHWC, labels_BHW = _placed(images, crops, config, prepare, fill)
    values_BHWC = values_BHWC + mean_C if pixels.mean else values_BHWC
    values_BHWC = values_BHWC + _shifts(config, draws, pixels, images.device)
    return Batch(values_BHWC.permute(0, 3, 1, 2), labels_BHW.long(), {})


def crops_of(
    sizes_B2: NDArray[np.int64], size: Size, config: DataConfig, draws: list[Draw]
) -> list["Crop"]:
    """Of images of these sizes, the crops of this size."""
    sizes = [(int(rows), int(columns)) for rows, columns in sizes_B2]
    return [Crop.of(*each, config) for each in zip(sizes, [size] * len(sizes), draws, strict=True)]


def _as_stored(values: Tensor) -> Tensor:
    return values


@dataclass(frozen=True)
class Crop:
    """Where the crop of one image lies, before it is deformed."""

    before: Size
    scaled: Size
    size: Size
    corner: tuple[int, int]
    order: tuple[slice, slice]
    """Of its rows and of its columns: mirrored sides run backwards."""
    draw: Draw

    @classmethod
    def of(cls, before: Size, size: Size, draw: Draw, config: DataConfig) -> "Crop":
        scaled = before if is_off(config) else scaled_size(before, config, draw)
        upside_down, mirrored = (slice(None, None, -1 if on else 1) for on in turned(config, draw))
        corner = corner_of(scaled, size, draw)
        return cls(before, scaled, size, corner, (upside_down, mirrored), draw)

    def along(self, axis: int) -> NDArray[np.int64]:
        """The places of its rows or columns in the scaled image; some may lie behind its end."""
        return (self.corner[axis] + np.arange(self.size[axis]))[self.order[axis]]

    def table(self, axis: int) -> Side:
        """Of which pixels of the image each of its rows or columns is made."""
        whole = side(self.before[axis], self.scaled[axis])
        return whole.picked(np.minimum(self.along(axis), self.scaled[axis] - 1))


def _placed(
    images: DeviceImages, crops: list[Crop], config: DataConfig, prepare: Prepare, fill: float
) -> tuple[Tensor, Tensor]:
    """Scale, deform, crop and mirror: values (B,H,W,C), and labels uint8 (B,H,W)."""
    if warp.is_on(config):
        return _deformed(images, crops, config, prepare, fill)
    rows, columns = ([crop.table(axis) for crop in crops] for axis in (0, 1))
    values_BHWC, labels_BHW = resized(images, rows, columns, prepare)
    if all(
        have >= want for crop in crops for have, want in zip(crop.scaled, crop.size, strict=True)
    ):
        return values_BHWC, labels_BHW
    rows_BH, columns_BW = (
        on_device(
            np.stack([crop.along(axis) >= crop.scaled[axis] for crop in crops]), images.device
        )
        for axis in (0, 1)
    )
    outside_BHW = rows_BH.unsqueeze(2) | columns_BW.unsqueeze(1)
    values_BHWC = values_BHWC.masked_fill(outside_BHW.unsqueeze(3), fill)
    return values_BHWC, labels_BHW.masked_fill(outside_BHW, VOID)


def _deformed(
    images: DeviceImages, crops: list[Crop], config: DataConfig, prepare: Prepare, fill: float
) -> tuple[Tensor, Tensor]:
    size, device = crops[0].size, images.device
    each = [Deformation.of(config, size, crop.draw, crop.order) for crop in crops]
    x_BHW, y_BHW = places(each, config, size, device)
    corner_B2 = on_device(np.array([crop.corner for crop in crops], dtype=np.float32), device)
    x_BHW = x_BHW + corner_B2[:, 1].view(-1, 1, 1)
    y_BHW = y_BHW + corner_B2[:, 0].view(-1, 1, 1)
    if any(crop.scaled != crop.before for crop in crops):
        images, prepare = _scaled(images, crops, prepare), _as_stored
    return sampled(images, x_BHW, y_BHW, prepare, fill, VOID)


def _scaled(images: DeviceImages, crops: list[Crop], prepare: Prepare) -> DeviceImages:
    """The complete scaled images, each in a field as large as the largest of them."""
    sides = ([side(crop.before[axis], crop.scaled[axis]) for crop in crops] for axis in (0, 1))
    rows, columns = sides
    values_BMNC, labels_BMN = resized(images, rows, columns, prepare)
    count, height, width, bands = values_BMNC.shape
    return DeviceImages(
        values_BMNC.view(-1, bands),
        labels_BMN.view(-1),
        np.arange(count, dtype=np.int64) * height * width,
        np.array([crop.scaled for crop in crops], dtype=np.int64),
        np.full(count, width, dtype=np.int64),
    )


def _recoloured(values_BHWC: Tensor, config: DataConfig, draws: list[Draw]) -> Tensor:
    if config.brightness:
        shifts = np.array([shift_of(config, draw) for draw in draws], dtype=np.int16)
        shift_B111 = on_device(shifts, values_BHWC.device).view(-1, 1, 1, 1)
        values_BHWC = (values_BHWC.short() + shift_B111).clamp(0, 255).byte()
    if config.color_jitter:
        jittered = [
            color_jitter(one.permute(2, 0, 1), config.color_jitter, draw.generator("color_jitter"))
            for one, draw in zip(values_BHWC, draws, strict=True)
        ]
        values_BHWC = torch.stack(jittered).permute(0, 2, 3, 1)
    return values_BHWC


def _shifts(config: DataConfig, draws: list[Draw], pixels: Pixels, device: torch.device) -> Tensor:
    """(B,1,1,C): what ``data/brightness`` adds to each band, in the unit of its values."""
    shifts = [config.brightness / 255 * (2 * draw.brightness - 1) for draw in draws]
    span_C = torch.tensor(pixels.span)
    return torch.stack([shift * span_C for shift in shifts])[:, None, None, :].to(device)
