"""A study's network as MLflow loads it: ``mlflow.pyfunc.load_model("models:/NAME/1")``, or
``"runs/NAME/model"``.

Edgewise must be importable where the model is loaded. A network with a plug-in is refused, because
loading would execute code that nobody has read, unless ``model_config={"trust": True}`` is given.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables import saved
from trainables.config import require
from trainables.config.inputs import INPUT_BANDS
from trainables.config.pixels import Pixels
from trainables.config.tasks import TaskName
from trainables.data import rasters
from trainables.data.target_faults import require_target
from trainables.data.targets import TargetMap
from trainables.lane.refiner import saved_refiner_of
from trainables.training.prediction import Given, Predictor, device_of

LOADER = __name__
"""What the ``MLmodel`` file names as the loader."""


def stored_type(pixels: Pixels) -> np.dtype[np.generic]:
    """The type of the images' values as files hold them; a float where maps follow them."""
    if pixels.inputs:
        return np.dtype(np.float32)
    return np.dtype({8: np.uint8, 16: np.uint16, 32: np.float32}[pixels.bits])


class Labels:
    """Predicts labels of images as ``study/predict.py`` does; MLflow calls ``predict``."""

    def __init__(self, folder: Path, device: str = "", trust: bool = False) -> None:
        """Load the network of a folder that ``saved.save`` has written.

        Args:
            folder: the network's.
            device: ``cpu`` or ``cuda``; "" for the CPU.
            trust: execute the folder's plug-in.

        Raises:
            ValueError: as ``saved.load``.
        """
        network, self.config, self.classes = saved.load(folder, trust)
        self._pixels = network.pixels
        place, stages = device_of(device, cuda=False), saved.describe(folder, trust).stages
        refine = saved_refiner_of(self.config, stages, place)
        self._predictor = Predictor(network, self.config, place, refine)

    def predict(self, images: rasters.Pixels) -> NDArray[np.int64]:
        """The labels (B,H,W), indices into the classes, at the images' own size.

        Images are resized to the size of the training inside, normalised, and predicted as the
        study's test does (scales, mirrors, windows, refinement).

        Args:
            images: (B,H,W,C), RGB of 8 bits or as the training's files, of any size. For a network
                that receives maps float32: the image's values as its files hold them, then depth in
                metres or normals, 0 where they are missing.
        """
        kind, bands = stored_type(self._pixels), self._pixels.bands
        is_array = isinstance(images, np.ndarray) and images.ndim == 4
        fits = is_array and images.dtype == kind and images.shape[3] == bands
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else images
        require(fits, "images", f"{kind} of shape (B,H,W,{bands})", found)
        given = (_given(image_HWC, self._pixels) for image_HWC in images)
        maps = [labels_HW for _, labels_HW in self._predictor.label_maps(given)]
        empty = np.zeros((0, *images.shape[1:3]), np.int64)
        return np.stack(maps).astype(np.int64) if maps else empty


def _given(values_HWC: rasters.Pixels, pixels: Pixels) -> Given:
    """An image, and the maps behind its bands.

    Raises:
        ValueError: whole numbers are none, or too large: the image's values are in another unit.
    """
    if not pixels.inputs:
        return Given(values_HWC)
    image = pixels.of_image
    image_HWC, maps_HWC = np.split(values_HWC, [image.bands], axis=2)
    stored_HWC = image_HWC.astype(stored_type(image))
    same = bool((stored_HWC == image_HWC).all())
    require(same, "images", f"of {image.kind}, as files hold it, in front of the maps", "others")
    ends = np.cumsum([INPUT_BANDS[name] for name in pixels.input_names])[:-1]
    maps: dict[TaskName, TargetMap] = {}
    for name, map_HWC in zip(pixels.input_names, np.split(maps_HWC, ends, axis=2), strict=True):
        maps[name] = (map_HWC[..., 0] if name == "depth" else map_HWC).astype(np.float32)
        require_target("images", name, maps[name], (len(values_HWC), values_HWC.shape[1]))
    return Given(stored_HWC, maps)


def _load_pyfunc(path: str, model_config: Mapping[str, object] | None = None) -> Labels:
    """Load the model of this folder; MLflow requires the name."""
    given = model_config or {}
    return Labels(Path(path), str(given.get("device", "")), given.get("trust", False) is True)
