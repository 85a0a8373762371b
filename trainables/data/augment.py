"""Augmentation of one training image: scale, deform, crop, mirror, colours, then a plug-in's own.

The random numbers of an image depend on (seed, epoch, index) alone. Targets (boundaries, distances)
are computed from the augmented labels. Shape letters: C bands, H rows, W columns.
"""

from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import DataConfig, require
from trainables.config.pixels import RGB, Pixels
from trainables.config.tasks import TaskName
from trainables.data import plugin_augmentation, released_moves, target_kinds, warp
from trainables.data.batch import Batch
from trainables.data.draw import Draw, corner_of, scaled_size, shift_of, turned, zoom_of
from trainables.data.images import Map, Size
from trainables.data.jitter import color_jitter
from trainables.data.maps import Maps
from trainables.data.resampling import nearest
from trainables.data.targets import MISSING, NO_TARGETS, TargetMaps
from trainables.data.units import in_units
from trainables.geometry.boundaries import VOID


def is_off(config: DataConfig) -> bool:
    """Whether images stay as they are, except for mirroring left and right."""
    moves = (config.scale_min, config.scale_max) != (1, 1) or warp.is_on(config)
    crops = config.crop_height or config.crop_width
    colours = config.brightness or config.color_jitter
    own = plugin_augmentation.active(config)
    others = config.flip_vertical or own or config.moves != "edgewise"
    return not (moves or crops or colours or others)


def augment(maps: Maps, config: DataConfig, draw: Draw) -> Maps:
    """Transform a photograph (uint8), its labels and its targets in the same way.

    A scaled image that is smaller than the crop is padded at the right and the bottom: grey in the
    image, void in the labels, missing in the targets.
    """
    maps = _placed(maps, config, draw, warp.GREY)
    return _with_plugin(
        maps._replace(image_CHW=_recoloured(maps.image_CHW, config, draw)), config, draw
    )


def _placed(maps: Maps, config: DataConfig, draw: Draw, fill: float) -> Maps:
    """Scale, deform, crop and mirror; ``fill`` is what lies outside the image."""
    if config.moves == "released":
        return released_moves.moved(maps, config, draw)
    rows, columns = maps.labels_HW.shape
    size = (config.crop_height or rows, config.crop_width or columns)
    if (scaled := scaled_size((rows, columns), config, draw)) != (rows, columns):
        maps = _resized(maps, scaled, zoom_of(config, draw))
    if warp.is_on(config):
        maps = _warped(maps, size, draw, config, fill)
    else:
        maps = _crop(maps, size, draw, fill)
    upside_down, mirrored = turned(config, draw)
    if mirrored:
        maps = maps.each(_flipped(2), _flipped(1), target_kinds.mirrored)
    if upside_down:
        maps = maps.each(_flipped(1), _flipped(0), target_kinds.upside_down)
    return maps


def _flipped(axis: int) -> Callable[[Tensor], Tensor]:
    return lambda map_: map_.flip(axis)


def _recoloured(image_CHW: Tensor, config: DataConfig, draw: Draw) -> Tensor:
    if config.brightness:
        shift = shift_of(config, draw)  # limited before it is added, so that bytes suffice
        within = image_CHW.clamp(max=255 - shift) if shift > 0 else image_CHW.clamp(min=-shift)
        image_CHW = within + shift
    if config.color_jitter:
        random = draw.generator("color_jitter")
        image_CHW = color_jitter(image_CHW, config.color_jitter, random)
    return image_CHW


def _resized(maps: Maps, scaled: Size, zoom: float) -> Maps:
    from torchvision.transforms.v2 import functional as vision  # takes seconds to import

    rows, columns = map(nearest, maps.labels_HW.shape, scaled)
    return maps.each(
        lambda image_CHW: vision.resize(image_CHW, list(scaled), antialias=True),
        lambda labels_HW: torch.from_numpy(labels_HW.numpy()[rows][:, columns]),
        lambda task, map_: target_kinds.zoomed(task, map_, scaled, zoom),
    )


def _crop(maps: Maps, size: tuple[int, int], draw: Draw, fill: float) -> Maps:
    below = max(size[0] - maps.labels_HW.shape[0], 0)
    right = max(size[1] - maps.labels_HW.shape[1], 0)
    if below or right:
        maps = maps.each(
            lambda image_CHW: F.pad(image_CHW, (0, right, 0, below), value=fill),
            lambda labels_HW: F.pad(labels_HW, (0, right, 0, below), value=VOID),
            lambda task, map_: target_kinds.padded(task, map_, below, right),
        )
    top, left = corner_of(_size(maps.labels_HW), size, draw)
    window = (..., slice(top, top + size[0]), slice(left, left + size[1]))
    return maps.each(
        lambda image_CHW: image_CHW[window],
        lambda labels_HW: labels_HW[window],
        lambda _, map_: map_[window],
    )


def _warped(maps: Maps, size: Size, draw: Draw, config: DataConfig, fill: float) -> Maps:
    corner = corner_of(_size(maps.labels_HW), size, draw)
    places = warp.places_at(corner, config, size, draw)
    angle = -warp.angle_of(config, draw) if config.rotate else 0.0  # see ``warp._rotated``

    def image(image_CHW: Tensor) -> Tensor:
        image_HWC = image_CHW.permute(1, 2, 0).numpy()
        return _tensor(warp.interpolated(image_HWC, places, fill)).permute(2, 0, 1)

    def target(task: TaskName, map_: Tensor) -> Tensor:
        moved = warp.nearest(target_kinds.to_array(task, map_), places, MISSING[task])
        return target_kinds.turned(task, target_kinds.to_tensor(task, moved), angle)

    return maps.each(
        image, lambda labels_HW: _tensor(warp.nearest(labels_HW.numpy(), places, VOID)), target
    )


def _size(labels_HW: Tensor) -> Size:
    rows, columns = labels_HW.shape
    return rows, columns


def _with_plugin(maps: Maps, config: DataConfig, draw: Draw) -> Maps:
    if not plugin_augmentation.active(config):
        return maps
    image_HWC = np.ascontiguousarray(maps.image_CHW.permute(1, 2, 0).numpy())
    image, labels = plugin_augmentation.apply(image_HWC, maps.labels_HW.numpy(), config, draw)
    return Maps(_tensor(image).permute(2, 0, 1), _tensor(labels))


def augmented_maps(
    images: Iterable[Map],
    labels: Iterable[Map],
    config: DataConfig,
    draws: list[Draw],
    pixels: Pixels = RGB,
    targets: TargetMaps = NO_TARGETS,
) -> Batch:
    """Images (B,C,H,W), bytes or floats in the unit of their type, labels uint8 (B,H,W), targets.

    Args:
        images: (H,W,C), one draw each; they may differ in size if the config gives both sides of a
            crop.
        labels: uint8 (H,W), of the images' sizes.
        pixels: what the images are. Photographs are augmented in bytes, others in floats.
        targets: by task, maps of the images' sizes, indexed like an array of all of them.
    """
    moved = []
    for place, (image_HWC, labels_HW, draw) in enumerate(zip(images, labels, draws, strict=True)):
        beside = {task: target_kinds.to_tensor(task, of[place]) for task, of in targets.items()}
        maps = Maps(_tensor(image_HWC).permute(2, 0, 1), _tensor(labels_HW), beside)
        moved.append(_augmented(maps, config, draw, pixels))
    images_BHWC = torch.stack([maps.image_CHW.permute(1, 2, 0) for maps in moved])
    return Batch(
        images_BHWC.permute(0, 3, 1, 2).contiguous(),
        torch.stack([maps.labels_HW for maps in moved]),
        {task: torch.stack([maps.targets[task] for maps in moved]) for task in targets},
    )


def _augmented(maps: Maps, config: DataConfig, draw: Draw, pixels: Pixels) -> Maps:
    words = f"edgewise with images of {pixels.kind} or normalised by data/normalize"
    require(pixels.plain or config.moves == "edgewise", "data/moves", words, config.moves)
    if pixels.plain:
        return augment(maps, config, draw)
    require_no_jitter(config, pixels)
    image_CHW, fill = in_units(maps.image_CHW), warp.GREY / 255
    if pixels.mean:  # padding that normalisation turns into zero, as the grey of photographs
        mean_C11 = torch.tensor(pixels.mean).view(-1, 1, 1)
        image_CHW, fill = image_CHW - mean_C11, 0.0
    maps = _placed(maps._replace(image_CHW=image_CHW), config, draw, fill)
    image_CHW = maps.image_CHW + mean_C11 if pixels.mean else maps.image_CHW
    shift = config.brightness / 255 * (2 * draw.brightness - 1)
    image_CHW = image_CHW + shift * torch.tensor(pixels.span).view(-1, 1, 1)
    return _with_plugin(maps._replace(image_CHW=image_CHW), config, draw)


def require_no_jitter(config: DataConfig, pixels: Pixels) -> None:
    """Raise a ValueError if colours are jittered that are no photograph's."""
    words = f"0 with images of {pixels.kind} or normalised by data/normalize"
    require(not config.color_jitter, "data/color_jitter", words, config.color_jitter)


def _tensor(map_: NDArray[np.generic]) -> Tensor:
    """A tensor on the map's own memory; of a copy if that may not be written, as torch asks."""
    return torch.from_numpy(np.require(map_, requirements="W"))
