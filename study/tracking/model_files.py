"""A saved network's folder as an MLflow model: ``mlflow.pyfunc.load_model("runs/NAME/model")``.

Signature, input example and requirements lie beside the network's own files. Nothing here needs
the network itself, a server or the internet.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.types.schema import Schema, TensorSpec

from study.tracking.pyfunc_model import LOADER, stored_type
from trainables.config.pixels import Pixels

_PACKAGES = (
    *("torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy", "pillow", "pyyaml"),
    *("opencv-python-headless", "scipy", "filelock", "psutil", "tifffile", "nibabel", "h5py"),
)
"""What loading and predicting may import, beside Edgewise itself, which no registry has."""
_EXAMPLE_SIDE = 32


def _signature(pixels: Pixels) -> ModelSignature:
    """Images (B,H,W,C) as their files hold them, of any size, to labels (B,H,W)."""
    return ModelSignature(
        Schema([TensorSpec(stored_type(pixels), (-1, -1, -1, pixels.bands))]),
        Schema([TensorSpec(np.dtype("int64"), (-1, -1, -1))]),
    )


def write(folder: Path, study: str, classes: Sequence[str], pixels: Pixels) -> None:
    """Add MLflow's files to a folder that ``saved.save`` has written; replaces those it has.

    Args:
        folder: of the network.
        study: its name, and
        classes: their names by label, which stand in the model's metadata.
        pixels: what images it takes.
    """
    image = pixels.of_image
    shade = np.linspace(0, pixels.full, _EXAMPLE_SIDE).astype(stored_type(image))
    shape = (1, len(shade), len(shade), pixels.bands)
    example_1HWC = np.zeros(shape, stored_type(pixels))  # maps are missing
    example_1HWC[..., : image.bands] = shade[None, :, None, None]
    folder.mkdir(parents=True, exist_ok=True)
    with _silent(), tempfile.TemporaryDirectory() as draft:
        made = Path(draft) / "model"
        mlflow.pyfunc.save_model(
            made,
            loader_module=LOADER,
            signature=_signature(pixels),
            input_example=np.ascontiguousarray(example_1HWC),
            pip_requirements=_requirements(),
            metadata={"study": study, "classes": list(classes)},
            model_config={"device": "", "trust": False},
        )
        for path in made.iterdir():
            shutil.copyfile(path, folder / path.name)


@contextmanager
def _silent() -> Iterator[None]:
    """Without MLflow's word that it checks the example."""
    logger = logging.getLogger("mlflow.pyfunc")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def is_complete(folder: Path) -> bool:
    """Whether the folder has MLflow's files."""
    return (folder / MLMODEL_FILE_NAME).exists()


def _requirements() -> list[str]:
    """The installed versions, from what lies on the disk."""
    found = []
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            # A local build, such as +cu126, is in no registry.
            found.append(f"{package}=={version(package).partition('+')[0]}")
    return found
