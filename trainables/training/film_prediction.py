"""Maps of a film of any size, predicted as the test of a study predicts them.

Shape letters: K classes, H rows, W columns, C colours.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import TrialConfig
from trainables.data import files, photos
from trainables.data.dataset import DataError
from trainables.data.rasters import Pixels, require_same
from trainables.data.units import in_units
from trainables.metrics.inference import resize
from trainables.networks.segmentation import Segmenter
from trainables.training import process_settings
from trainables.training.following import Film, follow
from trainables.training.prediction import Predicted


class FilmPredictor:
    """Follows an object with a trained network, at the size and with the scales of its test."""

    def __init__(self, network: Segmenter, config: TrialConfig, device: torch.device) -> None:
        self._network, self._config, self._device = network.eval().to(device), config, device
        data = config.data
        self._size = (data.height, data.width) if data.height else None
        self._how = config.eval.of("test")

    def predictions(
        self, names: Sequence[str], frames: Iterator[Pixels], mask_HW: NDArray[np.bool_]
    ) -> Iterator[Predicted]:
        """Yield the labels of each frame (H,W,C) at its own size; of the first one, its mask.

        Raises:
            DataError: a frame or the mask has another size than the first frame, or the mask shows
                no object at the size of the network's images.
        """
        film, shape = None, mask_HW.shape
        for name, image_HWC in zip(names, frames, strict=True):
            if image_HWC.shape[:2] != shape:
                of = "its first mask" if film is None else "the film"
                sizes = ["x".join(map(str, size)) for size in (image_HWC.shape[:2], shape)]
                raise DataError(f"{name}: must have the size of {of}, {sizes[1]}, got {sizes[0]}")
            if film is None:
                film = self._begun(name, image_HWC, mask_HW)
                labels_HW = mask_HW.astype(np.uint8)
            else:
                labels_HW = self._next(film, image_HWC)
            yield Predicted(image_HWC, labels_HW, {})

    @torch.no_grad()
    def _begun(self, name: str, image_HWC: Pixels, mask_HW: NDArray[np.bool_]) -> Film:
        small_HW = files.resize_mask(mask_HW.astype(np.uint8), self._size)
        if not small_HW.any():
            rows, columns = small_HW.shape
            raise DataError(
                f"{name}: its first mask must show an object that is left at the size of the "
                f"network's images, {rows}x{columns}, got one of {int(mask_HW.sum())} pixels"
            )
        mask_1HW = torch.from_numpy(np.array(small_HW))[None].float().to(self._device)
        begin = follow(self._network, self._config.optim, self._device)
        return Film(begin, self._how, self._tensor(image_HWC), mask_1HW)

    @torch.no_grad()
    def _next(self, film: Film, image_HWC: Pixels) -> NDArray[np.uint8]:
        with process_settings.restored():
            process_settings.use(self._config.optim, self._device, training=False)
            scores_1KHW = film.next(self._tensor(image_HWC)).logits_1KHW
            rows, columns = image_HWC.shape[:2]
            if tuple(scores_1KHW.shape[-2:]) != (rows, columns):
                scores_1KHW = resize(scores_1KHW.softmax(dim=1), (rows, columns))
        labels_HW: NDArray[np.uint8] = scores_1KHW[0].argmax(dim=0).cpu().numpy().astype(np.uint8)
        return labels_HW

    def _tensor(self, image_HWC: Pixels) -> Tensor:
        require_same(self._network.pixels, image_HWC, "the frames to predict")
        resized_HWC = np.array(photos.resize(image_HWC, self._size))  # torch wants to write
        image_1CHW = in_units(torch.from_numpy(resized_HWC).permute(2, 0, 1)[None])
        return image_1CHW.to(self._device)
