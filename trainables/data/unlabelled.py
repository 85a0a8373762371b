"""Images to predict: those of a folder, or of a dataset's list, with or without labels."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.config.data import DRAWN
from trainables.config.inputs import InputName
from trainables.data import PUBLISHED, files, input_files, lists, open_layout, photos
from trainables.data.dataset import DataError
from trainables.data.images import Size
from trainables.data.label_tables import LabelTable
from trainables.data.layouts import wmh
from trainables.data.rasters import Pixels
from trainables.data.samples import SPLITS, Pair, Sample
from trainables.data.target_files import TargetFile
from trainables.data.targets import NO_TARGETS, TargetMaps
from trainables.data.volume_files import SUFFIXES as VOLUMES
from trainables.data.volume_files import facts_of, is_nifti
from trainables.data.volumes import Slice

SUFFIXES = (*photos.SUFFIXES, ".ppm", *VOLUMES)


@dataclass(frozen=True)
class Picture:
    """An image, not opened yet."""

    name: str
    """Without suffix; it may have folders."""
    read: Callable[[], Pixels]
    """The image (H,W,C), or a DataError that names its file."""
    volume: Path | None = None
    """The volume's file, if it is a slice of one; all slices follow each other in order."""
    maps: Callable[[Size], TargetMaps] = lambda _: NO_TARGETS
    """Of an image of this size, the maps of its sample."""
    labels: Callable[[], NDArray[np.uint8]] | None = None
    """Its labels (H,W), of an image of a dataset's list, or a DataError that names their file."""


def of_folder(folder: Path, volumes: bool = False) -> list[Picture]:
    """The images of a folder and of those in it, by name; other files are left out.

    Args:
        volumes: whether they are the slices of volumes, ``SUBJECT/pre/FLAIR.nii.gz``.

    Raises:
        DataError: it has none.
    """
    if volumes:
        if not (slices := wmh.slices_of(folder)):
            raise DataError(f"{folder}: holds no volume, SUBJECT/pre/FLAIR.nii.gz")
        return [_sample(one) for one in slices]
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not files.is_junk(path)
    )
    if not paths:
        raise DataError(f"{folder}: holds no image, {', '.join(SUFFIXES)}")
    pictures: list[Picture] = []
    for path in paths:
        name = str(path.relative_to(folder).with_suffix(""))
        pictures += _volume(name, path) if path.suffix in VOLUMES else [_file(name, path)]
    return pictures


def of_list(config: DataConfig, name: str) -> list[Picture]:
    """The images of ``train``, ``val``, ``test``, ``trainval`` or of a list's file.

    ``test`` is the official test list, also where its labels are not public.

    Raises:
        DataError: there is no such list, or an image of it is missing.
    """
    hidden = _HIDDEN.get(config.dataset)
    if name == "test" and hidden is not None:
        return list(hidden(Path(config.root).expanduser()))
    return [_sample(sample) for sample in _labelled(config, name)]


def _labelled(config: DataConfig, name: str) -> tuple[Sample, ...]:
    """The samples of a list, all of them, however the study used it."""
    whole = replace(config, train_images=0, val_images=0, test_images=0, holdout=0)
    whole = replace(whole, extra_list="", extra_epochs=0)
    # A layout of a plug-in may ignore the names of lists.
    if config.folds and name in SPLITS:  # the lists of the network's own fold
        return open_layout(whole).splits[name]
    whole = replace(whole, folds=0, fold=0)
    if config.dataset in {*PUBLISHED, "folder"} - {*DRAWN}:
        return open_layout(replace(whole, train_list=name)).splits["train"]
    if name not in SPLITS:
        raise DataError(f"--list must be one of {', '.join(SPLITS)} here, got {name!r}")
    return open_layout(whole).splits[name]


def _file(name: str, path: Path) -> Picture:
    return Picture(name, lambda: photos.read_image(path).image_HWC)


def _sample(sample: Sample) -> Picture:
    if isinstance(sample, Pair):  # its labels may be missing
        return replace(
            _file(sample.name, sample.image),
            labels=lambda: sample.read().labels_HW,
            maps=partial(_beside, sample.beside),
        )
    if isinstance(sample, wmh.Slice):
        return Picture(sample.name, sample.image, sample.flair)
    if isinstance(sample, Slice):
        file = sample.pair.image
        return Picture(sample.name, sample.image, file if is_nifti(file) else None)
    return Picture(
        sample.name,
        lambda: sample.read().image_HWC,
        labels=lambda: sample.read().labels_HW,
        maps=lambda _: sample.read().targets,
    )


def _beside(found: Sequence[TargetFile], size: Size) -> TargetMaps:
    return {file.task: file.read(size)[0] for file in found}


def with_inputs(
    pictures: Iterable[Picture], folder: Path, inputs: Sequence[InputName]
) -> list[Picture]:
    """The pictures with the maps in this folder: see ``input_files``.

    Raises:
        DataError: a file is missing.
    """
    return [
        replace(one, maps=partial(_beside, input_files.beside(folder, one.name, inputs)))
        for one in pictures
    ]


def _volume(name: str, path: Path) -> list[Picture]:
    """The slices of a volume in a folder of images."""
    pair = Pair(name, path, path, LabelTable.plain(2))
    pictures = [_sample(Slice(pair, number)) for number in range(facts_of(path).slices)]
    return [replace(one, name=str(Path(name).parent / one.name)) for one in pictures]


def _cityscapes(root: Path) -> Iterator[Picture]:
    folder = files.folder(str(root), "cityscapes") / "leftImg8bit" / "test"
    if not folder.is_dir():
        raise _missing(folder)
    yield from of_folder(folder)


def _ade20k(root: Path) -> Iterator[Picture]:
    """The test images come as an archive of their own, `release_test/testing/`."""
    root = files.descend(files.folder(str(root), "ade20k"), "ADEChallengeData2016")
    archive = Path("release_test") / "testing"
    places = [root / "images" / "testing", root / archive, root.parent / archive]
    found = [folder for folder in places if folder.is_dir()]
    if not found:
        raise _missing(places[0])
    yield from of_folder(found[0])


def _voc2012(root: Path) -> Iterator[Picture]:
    root = files.descend(files.folder(str(root), "voc2012"), "VOCdevkit", "VOC2012")
    path = root / "ImageSets" / "Segmentation" / "test.txt"
    if not path.is_file():
        raise _missing(path)
    for line in lists.read(path):
        name = Path(line.words[0]).stem
        yield _file(name, root / "JPEGImages" / f"{name}.jpg")


def _missing(path: Path) -> DataError:
    return DataError(f"{path}: missing: the official test images are not here")


_HIDDEN: dict[str, Callable[[Path], Iterator[Picture]]] = {
    "ade20k": _ade20k,
    "cityscapes": _cityscapes,
    "voc2012": _voc2012,
}
"""Datasets whose official test list has no public labels."""
