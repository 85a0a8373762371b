"""A folder as it lies on the disk: what its user names is found, or all that lacks is said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.raw_folders import em_stack, nuclei, retina
from trainables.config import DataConfig
from trainables.config.data import FOLDER
from trainables.data import DataError, Dataset, load


def opened(root: Path, classes: str, **options: str) -> Dataset:
    load.cache_clear()
    return load(DataConfig(dataset=FOLDER, root=str(root), class_names=classes, **options))  # type: ignore[arg-type]


def counts(dataset: Dataset) -> list[int]:
    return [len(dataset.splits[split]) for split in ("train", "val", "test")]


def listing(root: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in root.rglob("*"))


def test_an_em_stack_needs_no_file_of_ours(tmp_path: Path) -> None:
    root = em_stack(tmp_path / "em")
    before = listing(root)
    dataset = opened(root, "background,membrane", images="image", masks="label")
    assert listing(root) == before
    assert counts(dataset) == [16, 2, 2]
    assert dataset.classes == ("background", "membrane")
    mask = np.asarray(Image.open(root / "label" / "008.png"))
    assert np.array_equal(dataset.splits["val"].labels_NHW[0], mask == 255)
    said = " ".join(dataset.sanity.notes)
    assert "read as 0 background, 255 membrane" in said
    assert "the ninth is for validation and the tenth for the test" in said


@pytest.mark.parametrize("named", [True, False])
def test_nuclei_of_a_table_with_columns_of_any_name(tmp_path: Path, named: bool) -> None:
    root = nuclei(tmp_path / "nuclei")
    table = {"samples": "slides.tsv", "split_column": "SET"} if named else {}
    dataset = opened(root, "background,nucleus=nonzero", images="file", masks="seg", **table)
    assert counts(dataset) == [12, 4, 4]
    assert dataset.size is None
    assert {tuple(size) for size in dataset.splits["test"].sizes_N2} == {(32, 48), (40, 36)}
    mask = np.asarray(Image.open(root / "annotated" / "slide6_instances.png"))
    assert np.array_equal(dataset.splits["val"].labels_NHW[0], mask > 0)


@pytest.mark.parametrize(
    ("images", "masks"),
    [("*/images/*.tif", "*/1st_manual/*.gif"), ("*/images", "*/1st_manual")],
)
def test_retina_has_its_splits_from_its_folders(tmp_path: Path, images: str, masks: str) -> None:
    root = retina(tmp_path / "drive", 10)
    dataset = opened(root, "background,vessel", images=images, masks=masks)
    assert counts(dataset) == [9, 1, 10]  # one of ten is held out to choose on
    assert dataset.splits["test"].names[:2] == ("01_test", "02_test")
    mask = np.asarray(Image.open(root / "test/1st_manual/02_manual1.gif").convert("L"))
    assert np.array_equal(dataset.splits["test"].labels_NHW[1], mask == 255)
    assert "splits by folder: test/ is test, training/ is train" in dataset.sanity.notes


@pytest.mark.parametrize(
    ("images", "masks"), [("", "_mask"), ("", "*_mask.png"), (".", "_mask.png"), ("*", "*_mask.*")]
)
def test_masks_lie_beside_their_images(tmp_path: Path, images: str, masks: str) -> None:
    root = em_stack(tmp_path, 10)
    for path in sorted((root / "label").iterdir()):
        path.rename(root / f"{path.stem}_mask.png")
        (root / "image" / path.name).rename(root / path.name)
    assert counts(opened(root, "a,b", images=images, masks=masks)) == [8, 1, 1]


@pytest.mark.parametrize("masks", ["_mask", "*_mask.png", "image/*_mask.png"])
def test_masks_lie_in_the_folder_of_images(tmp_path: Path, masks: str) -> None:
    root = em_stack(tmp_path, 10)
    for path in sorted((root / "label").iterdir()):
        path.rename(root / "image" / f"{path.stem}_mask.png")
    assert counts(opened(root, "a,b", images="image", masks=masks)) == [8, 1, 1]


def test_usual_folders_with_masks_of_other_names_need_no_options(tmp_path: Path) -> None:
    root = em_stack(tmp_path, 10)
    for path in sorted((root / "label").iterdir()):
        path.rename(path.with_stem(f"{path.stem}_mask"))
    (root / "image").rename(root / "images")
    (root / "label").rename(root / "masks")
    assert counts(opened(root, "a,b")) == [8, 1, 1]


def test_a_folder_may_be_read_only_and_a_link_that_is_named(tmp_path: Path) -> None:
    root = em_stack(tmp_path / "elsewhere", 10)
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("image", "label"):
        (folder / name).symlink_to(root / name)
    (tmp_path / "link").symlink_to(folder)
    folder.chmod(0o555)
    try:
        assert counts(opened(tmp_path / "link", "a,b", images="image", masks="label")) == [8, 1, 1]
        assert counts(opened(folder, "a,b", images="image/*", masks="label/*")) == [8, 1, 1]
    finally:
        folder.chmod(0o755)


def test_masks_may_lie_elsewhere_if_the_user_says_where(tmp_path: Path) -> None:
    root = em_stack(tmp_path / "em", 10)
    (root / "label").rename(tmp_path / "labels")
    masks = str(tmp_path / "labels")
    assert counts(opened(root, "a,b", images="image", masks=masks)) == [8, 1, 1]
    (tmp_path / "labels" / "003.png").unlink()
    (root / "image" / "004.png").unlink()
    with pytest.raises(DataError, match=r"mask: image/003\.png; 1 mask .*: /.*/labels/004\.png"):
        opened(root, "a,b", images="image", masks=masks)


def test_a_link_that_nobody_names_is_refused(tmp_path: Path) -> None:
    root = em_stack(tmp_path / "em", 10)
    secret = tmp_path / "secret.png"
    (root / "image" / "003.png").rename(secret)
    (root / "image" / "003.png").symlink_to(secret)
    with pytest.raises(DataError, match=r"image/003\.png: a link that leads out"):
        opened(root, "a,b", images="image", masks="label")
    assert opened(root, "a,b", images="image", masks="label", links="follow")


def test_list_files_say_which_image_is_where(tmp_path: Path) -> None:
    root = em_stack(tmp_path, 10)
    (root / "train.txt").write_text("000\nimage/002.png\n003.png\n")
    (root / "val.txt").write_text("image/001\n")
    (root / "test.txt").write_text("009\n")
    dataset = opened(root, "a,b", images="image", masks="label")
    assert [dataset.splits[split].names for split in ("train", "val", "test")] == [
        ("000", "002", "003"),
        ("001",),
        ("009",),
    ]
    (root / "test.txt").write_text("099\n")
    with pytest.raises(DataError, match=r"test\.txt:1: '099' names none of the images"):
        opened(root, "a,b", images="image", masks="label")


def test_a_table_without_splits_and_outside_the_folder(tmp_path: Path) -> None:
    root = em_stack(tmp_path / "em", 10)
    rows = [f"image/{n:03}.png;label/{n:03}.png" for n in reversed(range(10))]
    table = tmp_path / "pairs.csv"
    table.write_text("\n".join(["Photo;Truth", *rows]))
    dataset = opened(root, "a,b", samples=str(table), images="photo", masks="truth")
    assert dataset.splits["test"].names == ("009",)
    assert counts(dataset) == [8, 1, 1]
