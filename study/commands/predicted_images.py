"""Images as a trained network is given them: of its kind, and with the maps that it needs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.safe_text import printable
from trainables.config import require

if TYPE_CHECKING:
    from trainables.data.unlabelled import Picture
    from trainables.networks.segmentation import Segmenter
    from trainables.training.prediction import Given


def with_maps(
    pictures: "list[Picture]", folder: Path | None, network: "Segmenter"
) -> "list[Picture]":
    """The pictures with the maps of ``--inputs``, if it is given.

    Raises:
        ValueError: there is no such folder, it lacks a file, or the network receives no maps.
    """
    if folder is None:
        return pictures
    from trainables.data.unlabelled import with_inputs  # takes seconds to import

    names = network.pixels.input_names
    require(bool(names), "--inputs", "left out: the network receives images alone", str(folder))
    require(folder.is_dir(), "--inputs", "an existing folder", str(folder))
    return with_inputs(pictures, folder, names)


def read(picture: "Picture", network: "Segmenter") -> "Given":
    """An image and its maps. A depth that the training has not seen the like of is named.

    Raises:
        ValueError: the image is of another kind than those that the network was trained on, or
            lacks a map.
    """
    from trainables.data.input_files import unlike_training
    from trainables.data.rasters import require_same
    from trainables.training.prediction import Given

    image_HWC, pixels = picture.read(), network.pixels
    require_same(pixels, image_HWC, picture.name)
    if not pixels.inputs:
        return Given(image_HWC)
    rows, columns = image_HWC.shape[:2]
    maps = picture.maps((rows, columns))
    lacking = [name for name in pixels.input_names if name not in maps]
    needs = f"given, a folder with {', '.join(pixels.input_names)}: the network receives them"
    require(not lacking, "--inputs", needs, f"no {', '.join(lacking)} of {picture.name}")
    for how in pixels.inputs:
        if strange := unlike_training(picture.name, maps[how.name], how):
            print(f"warning: {printable(strange)}", file=sys.stderr)
    return Given(image_HWC, maps)
