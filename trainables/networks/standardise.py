"""Images that are no photographs, and maps beside them, normalised band by band before a network.

Shape letters: B images, C bands, H rows, W columns.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainables.config.inputs import INPUT_BANDS, INPUTS, InputMap
from trainables.config.pixels import RGB, Pixels

_EXTRA = "standardise._extra_state"
"""Its entry in the weights of a ``Segmenter``: what images the network was trained on."""
_SPAN = 3
"""The row of it that no result depends on."""


class Standardise(nn.Module):
    """Subtracts each band's mean and divides by its std, or leaves that to the backbone.

    The numbers are constants of the network: no optimiser and no average touches them, and they
    travel in its weights, so that whoever loads these normalises as the training did.
    """

    def __init__(self, pixels: Pixels) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """For images in the unit of their type, then maps in theirs: see ``Pixels``."""
        pixels = self.pixels
        if not pixels.inputs:
            return _image(images_BCHW, pixels)
        sizes = [pixels.of_image.bands, *(INPUT_BANDS[name] for name in pixels.input_names)]
        image, *maps = images_BCHW.split(sizes, dim=1)
        beside = [_map(map_, how) for map_, how in zip(maps, pixels.inputs, strict=True)]
        return torch.cat((_image(image, pixels), *beside), dim=1)

    def get_extra_state(self) -> Tensor:
        """Four rows of C: bits, means, stds and spans; without means these are NaN and stds 1.

        With maps a fifth row has each one's place in ``INPUTS``, from 1; 0 for the image.
        """
        pixels = self.pixels
        bands = pixels.of_image.bands
        image = [
            [float(pixels.bits)] * bands,
            [*(pixels.mean or [float("nan")] * bands)],
            [*(pixels.std or [1.0] * bands)],
            [*(pixels.span or [1.0] * bands)],
        ]
        if not pixels.inputs:
            return torch.tensor(image, dtype=torch.float64)
        columns = [torch.tensor([*image, [0.0] * bands], dtype=torch.float64)]
        for map_ in pixels.inputs:
            count, number = INPUT_BANDS[map_.name], INPUTS.index(map_.name) + 1
            rows = [[32.0] * count, [*map_.mean], [*map_.std], [1.0] * count, [number] * count]
            columns.append(torch.tensor(rows, dtype=torch.float64))
        return torch.cat(columns, dim=1)

    def set_extra_state(self, state: Tensor) -> None:
        """Raise a ValueError if the weights are of a network that was trained on other images."""
        own, given = (_deciding(rows) for rows in (self.get_extra_state(), state.cpu()))
        if not torch.equal(own, given):
            raise ValueError("the weights are of a network that normalises its images otherwise")


def _image(images_BCHW: Tensor, pixels: Pixels) -> Tensor:
    if not pixels.mean:
        return images_BCHW
    return (images_BCHW - _column(images_BCHW, pixels.mean)) / _column(images_BCHW, pixels.std)


def _map(map_BCHW: Tensor, how: InputMap) -> Tensor:
    """Where all its bands are 0 it has no value: that is the mean of those that have one."""
    known_B1HW = (map_BCHW != 0).any(dim=1, keepdim=True)
    values_BCHW = (map_BCHW - _column(map_BCHW, how.mean)) / _column(map_BCHW, how.std)
    return torch.where(known_B1HW, values_BCHW, torch.zeros_like(values_BCHW))


def _column(like: Tensor, values: tuple[float, ...]) -> Tensor:
    return like.new_tensor(values).view(-1, 1, 1)


def _deciding(state: Tensor) -> Tensor:
    return torch.cat((state[:_SPAN], state[_SPAN + 1 :])).nan_to_num()


def without_images(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights without what they say of the images that they were trained on."""
    return {name: value for name, value in state.items() if not name.endswith("_extra_state")}


def pixels_of(state: Mapping[str, Tensor]) -> Pixels:
    """The images that the network with these weights was trained on."""
    if _EXTRA not in state:
        return RGB
    rows = state[_EXTRA].cpu()
    bits_C, mean_C, std_C, span_C = rows[: _SPAN + 1]
    inputs = _inputs_of(rows)
    image = int((rows[_SPAN + 1] == 0).sum()) if inputs else len(bits_C)
    bands, bits, span = len(bits_C), int(bits_C[0]), tuple(span_C[:image].tolist())
    if mean_C[:image].isnan().any():
        return Pixels(bands, bits, span=span, inputs=inputs)
    mean, std = (tuple(row_C[:image].tolist()) for row_C in (mean_C, std_C))
    return Pixels(bands, bits, mean, std, span, inputs)


def _inputs_of(rows: Tensor) -> tuple[InputMap, ...]:
    if len(rows) <= _SPAN + 1:
        return ()
    found = []
    for number, name in enumerate(INPUTS, start=1):
        own = rows[_SPAN + 1] == number
        if own.any():
            mean, std = (tuple(row[own].tolist()) for row in (rows[1], rows[2]))
            found.append(InputMap(name, mean, std))
    return tuple(found)
