"""A registered network as MLflow loads it: ``mlflow.pyfunc.load_model("models:/NAME/1")``.

Edgewise must be importable where the model is loaded. A network with a plug-in is refused, because
loading would execute code that nobody has read: ``trainables.saved.load(folder, trust=True)``.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trainables import saved

LOADER = __name__
"""What the ``MLmodel`` file names as the loader."""


class Labels:
    """Predicts labels of images; MLflow calls ``predict``."""

    def __init__(self, folder: Path) -> None:
        """Load the network of a folder that ``saved.save`` has written.

        Raises:
            ValueError: as ``saved.load``.
        """
        self._network, self.config, self.classes = saved.load(folder)

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.int64]:
        """The labels (B,H,W), indices into the classes, of images (B,3,H,W) in [0, 1]."""
        with torch.inference_mode():
            scores_BKHW = self._network(torch.from_numpy(images).float()).logits_BKHW
        labels: NDArray[np.int64] = scores_BKHW.argmax(dim=1).numpy()
        return labels


def _load_pyfunc(path: str) -> Labels:
    """Load the model of this folder; MLflow requires the name."""
    return Labels(Path(path))
