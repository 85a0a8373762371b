"""Decoded lists in a device's memory, copied there once.

Shape letters: P pixels of all images, N images, B images of a batch, H rows, W columns, C bands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data.dataset import ImageList
from trainables.data.images import Map, Size


@dataclass(frozen=True)
class DeviceImages:
    """Images and labels of any sizes, pixel behind pixel; some of them are a batch."""

    pixels_PC: Tensor
    """uint8 or float32; 16 bits as int16, since devices do little with uint16."""
    labels_P: Tensor
    """uint8."""
    first_N: NDArray[np.int64]
    """Each image's first pixel."""
    sizes_N2: NDArray[np.int64]
    """Rows and columns of each image."""
    width_N: NDArray[np.int64]
    """Pixels from one row of an image to the next."""

    @property
    def device(self) -> torch.device:
        return self.pixels_PC.device

    def __len__(self) -> int:
        return len(self.first_N)

    def picked(self, places: Sequence[int] | NDArray[np.integer]) -> "DeviceImages":
        """The images at these places, in the same memory."""
        at = np.asarray(places, dtype=np.int64)
        picked = self.first_N[at], self.sizes_N2[at], self.width_N[at]
        return DeviceImages(self.pixels_PC, self.labels_P, *picked)

    def whole(self) -> tuple[Tensor, Tensor]:
        """Images of one size, as stored (B,H,W,C), and labels uint8 (B,H,W)."""
        rows, columns = map(int, self.sizes_N2[0])
        first_B, width_B = (on_device(x, self.device) for x in (self.first_N, self.width_N))
        row_H, column_W = (torch.arange(side, device=self.device) for side in (rows, columns))
        row_BH1 = first_B.view(-1, 1, 1) + width_B.view(-1, 1, 1) * row_H.view(1, -1, 1)
        index_BHW = row_BH1 + column_W
        return self.pixels_PC[index_BHW], self.labels_P[index_BHW]


def copied(images: ImageList, device: torch.device) -> DeviceImages:
    """A list that is held in memory, in the device's."""
    sizes_N2 = images.sizes_N2
    counts_N = sizes_N2.prod(axis=1)
    first_N = np.concatenate(([0], np.cumsum(counts_N)[:-1])).astype(np.int64)
    pixels_PC = _joined(_flat_images(images), int(counts_N.sum()), device)
    labels_P = _joined(_flat(images.labels_NHW), int(counts_N.sum()), device)
    return DeviceImages(pixels_PC, labels_P, first_N, sizes_N2, sizes_N2[:, 1].copy())


def _flat(maps: NDArray[np.uint8]) -> Iterator[NDArray[np.generic]]:
    for index in range(len(maps)):
        yield maps[index].reshape(-1)


def _flat_images(images: ImageList) -> Iterator[NDArray[np.generic]]:
    for index in range(len(images)):
        image_HWC: Map = images.images_NHWC[index]
        yield _signed(image_HWC).reshape(-1, image_HWC.shape[2])


def _signed(image_HWC: Map) -> NDArray[np.generic]:
    """16 bits as they are, under another name."""
    return image_HWC.view(np.int16) if image_HWC.dtype == np.uint16 else image_HWC


def _joined(maps: Iterator[NDArray[np.generic]], count: int, device: torch.device) -> Tensor:
    whole: Tensor | None = None
    first = 0
    for one in maps:
        tensor = torch.from_numpy(np.require(one, requirements=["C", "W"]))
        if whole is None:
            whole = torch.empty((count, *tensor.shape[1:]), dtype=tensor.dtype, device=device)
        whole[first : first + len(tensor)] = tensor
        first += len(tensor)
    assert whole is not None, "every list has images"
    return whole


def on_device(values: NDArray[np.generic], device: torch.device) -> Tensor:
    """A copy on the device, for which a GPU's stream need not be waited for."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    if device.type != "cuda":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


def one_size(images: DeviceImages) -> Size | None:
    """Rows and columns of every image; None if they differ."""
    rows, columns = map(int, images.sizes_N2[0])
    return (rows, columns) if (images.sizes_N2 == images.sizes_N2[0]).all() else None
