"""What a folder lacks is said in one line, all of it, with what it has."""

import re
from pathlib import Path

import pytest

from tests.trainables.data.raw_folders import em_stack, nuclei, retina
from tests.trainables.data.test_named_folder import opened
from trainables.config import DataConfig, TrialConfig
from trainables.data import DataError


def refused(root: Path, classes: str = "a,b", **options: str) -> str:
    with pytest.raises(DataError) as raised:
        opened(root, classes, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    said = refused(em_stack(tmp_path), "")
    assert "classes.txt: missing, and no --classes; images/: missing, and no --images; " in said
    assert "masks/: missing, and no --masks; found: image/ (20 png), label/ (20 png); " in said
    assert said.endswith("try --images image --masks label --classes background,foreground")


def test_what_is_proposed_works(tmp_path: Path) -> None:
    for make in (em_stack, retina):
        said = refused(make(tmp_path / make.__name__), "")
        found = re.search(r"--images (\S+) --masks (\S+) --classes (\S+)$", said)
        assert found is not None
        images, masks, classes = (word.strip("'") for word in found.groups())
        assert opened(tmp_path / make.__name__, classes, images=images, masks=masks)


def test_a_table_is_shown_with_its_columns(tmp_path: Path) -> None:
    assert "slides.tsv (columns id, file, seg, set, stain)" in refused(nuclei(tmp_path), "")
    said = refused(tmp_path, samples="slides.tsv", images="picture")
    assert "needs the columns picture, mask once each, got id, file, seg, set, stain" in said


def test_names_that_fit_nothing_are_both_said(tmp_path: Path) -> None:
    said = refused(em_stack(tmp_path), images="imgs", masks="lbls")
    assert "--images imgs: no folder, pattern or end of names" in said
    assert "--masks lbls: no folder, pattern or end of names" in said
    assert "found: image/ (20 png), label/ (20 png)" in said


def test_single_files_are_all_named(tmp_path: Path) -> None:
    root = em_stack(tmp_path)
    for number in range(7):
        (root / "label" / f"{number:03}.png").unlink()
    (root / "image" / "019.png").unlink()
    said = refused(root, images="image", masks="label")
    assert "7 images without a mask: image/000.png, image/001.png," in said
    assert "image/004.png and 2 more; 1 mask without an image: label/019.png" in said


def test_missing_files_of_a_list_are_said_at_once(tmp_path: Path) -> None:
    root = nuclei(tmp_path)
    for number in (3, 5):
        (root / "raw" / f"slide{number}.png").unlink()
    said = refused(root, "background,nucleus=nonzero", images="file", masks="seg")
    assert said.startswith("2 files are missing: ")
    assert all(name in said for name in ("slide3.png", "slide5.png"))


def test_two_observers_are_not_chosen_from(tmp_path: Path) -> None:
    root = em_stack(tmp_path, 10)
    for path in sorted((root / "label").iterdir()):
        (root / "label" / f"{path.stem}_second.png").write_bytes(path.read_bytes())
        path.rename(path.with_stem(f"{path.stem}_first"))
    assert "without" in refused(root, images="image", masks="label")
    assert opened(root, "a,b", images="image", masks="label/*_first.png")


def test_a_name_of_files_and_of_a_column_is_no_guess(tmp_path: Path) -> None:
    root = em_stack(tmp_path, 10)
    (root / "list.csv").write_text("image,label,split\nimage/000.png,label/001.png,train\n")
    said = refused(root, images="image", masks="label")
    assert "name files and a table (list.csv): give --samples list.csv" in said
    assert opened(root, "a,b", images="image/*", masks="label/*")


def test_files_of_both_and_a_split_of_some(tmp_path: Path) -> None:
    root = em_stack(tmp_path, 10)
    said = refused(root, images="image", masks="image/*.png")
    assert "name the same files" in said
    for folder in ("image", "label"):
        for split, numbers in {"train": range(4), "val": range(4, 6)}.items():
            (root / folder / split).mkdir()
            for number in numbers:
                name = f"{number:03}.png"
                (root / folder / name).rename(root / folder / split / name)
    said = refused(root, images="image", masks="label")
    assert "lie in folders of splits (train, val), and 4 in none" in said


@pytest.mark.parametrize("name", ["images", "masks", "samples", "split_column", "class_names"])
def test_no_other_dataset_ignores_the_options(name: str) -> None:
    with pytest.raises(ValueError, match=f"data/{name} must be given with --dataset folder"):
        TrialConfig().changed({f"data/{name}": "image"})
    with pytest.raises(ValueError, match=f"data/{name}"):
        DataConfig(dataset="camvid", **{name: "image"})  # type: ignore[arg-type]
