"""Exported label maps have a dataset's own values: its reader gives the labels back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.test_mask_meaning import grey, make
from trainables.config import DataConfig
from trainables.data import PUBLISHED, open_layout
from trainables.data.label_files import label_files
from trainables.data.label_tables import LabelTable
from trainables.data.layouts import (
    ade20k,
    camvid,
    cityscapes,
    davis2016,
    nyud_mt,
    nyuv2,
    pascal_context,
    voc2012,
    wmh,
)

READERS = {
    "ade20k": (ade20k.CLASSES, ade20k.TABLE),
    "camvid": (camvid.CLASSES, camvid.TABLE),
    "cityscapes": (cityscapes.CLASSES, cityscapes.IDS),
    "davis2016": (davis2016.CLASSES, davis2016.TABLE),
    "nyud_mt": (nyud_mt.CLASSES, nyud_mt.TABLE),
    "nyuv2": (nyuv2.CLASSES, nyuv2.TABLE),
    "pascal_context": (pascal_context.CLASSES, LabelTable.plain(60)),
    "pascal_mt": (voc2012.CLASSES, voc2012.TABLE),
    "voc2012": (voc2012.CLASSES, voc2012.TABLE),
    "wmh": (wmh.CLASSES, wmh.TABLE),
}


@pytest.mark.parametrize("dataset", sorted(READERS))
def test_the_dataset_s_own_reader_gives_the_labels_back(dataset: str, tmp_path: Path) -> None:
    classes, table = READERS[dataset]
    labels_HW = np.arange(2 * len(classes), dtype=np.uint8).reshape(2, -1) % len(classes)
    path = tmp_path / "map.png"
    path.write_bytes(label_files(DataConfig(dataset=dataset), classes).png(labels_HW))
    assert np.array_equal(table.read(path)[0], labels_HW)


def test_every_published_dataset_with_files_is_read_back() -> None:
    assert set(READERS) == PUBLISHED - {"shapes", "moving_shapes"}


def test_18_classes_and_background_have_ids_too(tmp_path: Path) -> None:
    """Background is written as 0, unlabeled; no class as what is left out, train (31)."""
    chosen = cityscapes.class_set(18)
    config = DataConfig(dataset="cityscapes", classes=18)
    written = label_files(config, chosen.names)
    assert written.values[:2] == (0, 7)
    assert 31 not in written.values
    labels_HW = np.arange(19, dtype=np.uint8)[None]
    (tmp_path / "map.png").write_bytes(written.png(labels_HW))
    assert np.array_equal(chosen.ids.read(tmp_path / "map.png")[0], labels_HW)


def test_values_are_those_of_the_servers() -> None:
    """cityscapesScripts' labels.py: road 7, bicycle 33; ADE20K's wall is 1, 0 is other."""
    of = {
        dataset: label_files(DataConfig(dataset=dataset), classes).values
        for dataset, (classes, _) in READERS.items()
    }
    assert (of["cityscapes"][0], of["cityscapes"][-1]) == (7, 33)
    assert (of["ade20k"][0], of["ade20k"][-1]) == (1, 150)
    assert of["voc2012"] == tuple(range(21))
    assert of["davis2016"] == (0, 255)
    context = label_files(DataConfig(dataset="pascal_context"), pascal_context.CLASSES[1:])
    assert context.values == tuple(range(1, 60))


def test_voc_maps_have_voc_s_palette(real_data: Path, tmp_path: Path) -> None:
    truth = Image.open(real_data / "voc2012/VOCdevkit/VOC2012/SegmentationClass/2007_004189.png")
    labels_HW = np.zeros((4, 4), dtype=np.uint8)
    path = tmp_path / "map.png"
    path.write_bytes(label_files(DataConfig(dataset="voc2012"), voc2012.CLASSES).png(labels_HW))
    written, official = Image.open(path).getpalette(), truth.getpalette()
    assert written is not None
    assert official is not None
    assert written[: 3 * 21] == official[: 3 * 21]


def test_classes_that_the_folder_has_no_more_are_refused(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match=r"classes\.txt must be of the classes a, c, got 'a, b'"):
        label_files(DataConfig(dataset="folder", root=str(tmp_path)), ("a", "c"))


@pytest.mark.parametrize(
    "text", ["a,b", "a=0,b=255", "a,b,void=0", "a=9/8/7,b=0/128/0", "a=128,b=1"]
)
def test_maps_of_named_classes_are_read_back(tmp_path: Path, text: str) -> None:
    root = make(tmp_path, "unused\nhere\n", grey(0, 1))
    config = DataConfig(dataset="folder", root=str(root), class_names=text)
    written = label_files(config, ("a", "b"))
    labels_HW = np.array([[0, 1, 1], [1, 0, 0]], dtype=np.uint8)
    for path in (root / "masks").iterdir():
        path.write_bytes(written.png(labels_HW))
    for path in (root / "images").iterdir():
        Image.new("RGB", (3, 2)).save(path)
    sample = open_layout(config).splits["train"][0]
    assert np.array_equal(sample.read().labels_HW, labels_HW)
