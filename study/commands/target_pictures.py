"""Pictures of an image and of the maps beside its labels, as ``--check-data`` writes them."""

from pathlib import Path

from PIL import Image

from trainables.data.preview import shown, target_picture
from trainables.data.samples import Decoded


def write_pictures(decoded: Decoded, folder: Path) -> list[Path]:
    """Write ``image.png`` and one of each map. Returns their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"image": shown(decoded.image_HWC)}
    pictures |= {task: target_picture(task, map_) for task, map_ in decoded.targets.items()}
    written = [folder / f"{name}.png" for name in pictures]
    for path, picture_HW3 in zip(written, pictures.values(), strict=True):
        Image.fromarray(picture_HW3).save(path)
    return written
