"""Label maps of images of any size, predicted as the test of a study predicts them.

Shape letters: B images, K classes, H rows, W columns, C colours.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import TrialConfig, require
from trainables.data import photos
from trainables.data.rasters import Pixels, require_same
from trainables.data.units import in_units
from trainables.metrics.inference import probabilities, resize, scores
from trainables.networks.segmentation import Segmenter
from trainables.training import process_settings
from trainables.training.forward import forward

Labels = NDArray[np.uint8]


class Predictor:
    """Predicts with a trained network, at the size and with the protocol of its test."""

    def __init__(self, network: Segmenter, config: TrialConfig, device: torch.device) -> None:
        self._network, self._config, self._device = network.eval().to(device), config, device
        data = config.data
        self._size = (data.height, data.width) if data.height else None
        self._how = config.eval.of("test")
        self._batch = config.batch if self._how.is_plain else 1  # as in the test

    def label_maps(self, images: Iterable[Pixels]) -> Iterator[tuple[Pixels, Labels]]:
        """Yield each image (H,W,C) with its labels (H,W), 0..K-1, at its own size.

        Equal sizes that follow each other share a batch, as in the test: another one may round
        otherwise.
        """
        for _, same in groupby(images, key=lambda image_HWC: image_HWC.shape):
            while batch := list(islice(same, self._batch)):
                yield from zip(batch, self._labels(batch), strict=True)

    @torch.no_grad()
    def _labels(self, images: list[Pixels]) -> Labels:
        """(B,H,W) of images of one size."""
        rows, columns = images[0].shape[:2]
        require_same(self._network.pixels, images[0], "the images to predict")
        resized_BHWC = np.stack([photos.resize(image, self._size) for image in images])
        images_BCHW = in_units(torch.from_numpy(resized_BHWC).permute(0, 3, 1, 2))
        with process_settings.restored():
            process_settings.use(self._config.optim, self._device, training=False)
            scores_BKHW = self._scores(images_BCHW, (rows, columns))
        labels_BHW: Labels = scores_BKHW.argmax(dim=1).cpu().numpy().astype(np.uint8)
        return labels_BHW

    def _scores(self, images_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
        """(B,K,H,W) at ``size``: the network's own logits where nothing is averaged or resized."""
        images_BCHW = images_BCHW.to(self._device)
        if tuple(images_BCHW.shape[-2:]) == size:
            return scores(self._logits, images_BCHW, self._how)
        return resize(probabilities(self._logits, images_BCHW, self._how), size)

    def _logits(self, images_BCHW: Tensor) -> Tensor:
        optim = self._config.optim
        return forward(self._network, images_BCHW, optim, self._device).logits_BKHW


def device_of(name: str, *, cuda: bool) -> torch.device:
    """The device of this name; "" for the kind that a study ran on, ``cuda`` or the CPU.

    Raises:
        ValueError: this machine has no GPU.
    """
    name = name or ("cuda" if cuda else "cpu")
    here = name != "cuda" or torch.cuda.is_available()
    require(here, "--device", "cpu on this machine, which has no GPU", name)
    return torch.device(name)
