"""`--check-data` opens every file: counts and shares of good ones, names of bad ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.commands.run import main
from trainables.data.facts import boundary

ROWS, COLUMNS, IMAGES = 8, 10, 10


def make(root: Path) -> Path:
    """Ten images as a `folder`: the left half road, the right half grass, one void column."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    mask = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    mask[:, 5:] = 1
    mask[:, 9] = 255
    for index in range(IMAGES):
        image = np.full((ROWS, COLUMNS, 3), 10 * index, dtype=np.uint8)
        Image.fromarray(image).save(root / "images" / f"{index}.png")
        Image.fromarray(mask).save(root / "masks" / f"{index}.png")
    (root / "classes.txt").write_text("road 128 64 128\nwet grass\n")
    return root


def checked(root: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    code = main(["--check-data", "folder", str(root), *more])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_good_files_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output, _ = checked(make(tmp_path), capsys)
    assert code == 0
    rows = {line.split()[0]: line.split() for line in output.splitlines() if line.strip()}
    assert rows["train"] == ["train", "8", "10x8", "20.00%", "10.00%"]  # 2 and 1 of 10 columns
    assert rows["val"][1] == rows["test"][1] == "1"
    assert rows["0"][1:] == ["road", "55.56", "55.56", "55.56"]  # 5 of 9 columns that are not void
    assert rows["1"][1:] == ["wet", "grass", "44.44", "44.44", "44.44"]
    assert "all files are good; digest " in output


def test_a_boundary_is_on_both_sides_and_never_at_void() -> None:
    labels = np.array([[0, 0, 1], [0, 255, 1]], dtype=np.uint8)
    assert boundary(labels).tolist() == [[False, True, True], [False, False, False]]


def _cut(root: Path) -> None:
    path = root / "images" / "3.png"
    path.write_bytes(path.read_bytes()[:50])


def _not_an_image(root: Path) -> None:
    (root / "images" / "3.png").write_text("hello")


def _other_size(root: Path) -> None:
    Image.fromarray(np.zeros((3, 4), dtype=np.uint8)).save(root / "masks" / "3.png")


def _out_of_range(root: Path) -> None:
    Image.fromarray(np.full((ROWS, COLUMNS), 7, dtype=np.uint8)).save(root / "masks" / "3.png")


def _sixteen_bit(root: Path) -> None:
    Image.fromarray(np.zeros((ROWS, COLUMNS), dtype=np.uint16)).save(root / "masks" / "3.png")


def _sixteen_bit_image(root: Path) -> None:
    Image.fromarray(np.zeros((ROWS, COLUMNS), dtype=np.uint16)).save(root / "images" / "3.png")


def _coloured_mask(root: Path) -> None:
    Image.fromarray(np.zeros((ROWS, COLUMNS, 3), dtype=np.uint8)).save(root / "masks" / "3.png")


def _no_mask(root: Path) -> None:
    (root / "masks" / "3.png").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_cut, ["images/3.png", "cannot be decoded"]),
        (_not_an_image, ["images/3.png", "cannot be decoded"]),
        (_other_size, ["masks/3.png", "size (3, 4) differs from its image's (8, 10)"]),
        (_out_of_range, ["masks/3.png", "labels must be 0..1 or void (255), got 7"]),
        (_sixteen_bit, ["masks/3.png", "must have 8 bits a channel, got 16"]),
        (_sixteen_bit_image, ["images/3.png: is of 1 band, 16-bit", "0.png is of 3 bands, 8-bit"]),
        (_coloured_mask, ["masks/3.png", "8-bit with one channel, got mode RGB"]),
        (_no_mask, ["masks/3.png", "mask of 3 is missing"]),
    ],
)
def test_a_bad_file_is_named_and_the_others_are_still_checked(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    words: list[str],
) -> None:
    spoil(make(tmp_path))
    Image.fromarray(np.full((ROWS, COLUMNS), 9, dtype=np.uint8)).save(tmp_path / "masks" / "9.png")
    code, output, _ = checked(tmp_path, capsys)
    assert code == 2
    first, second, last = output.splitlines()
    assert all(word in first for word in words), first
    assert "masks/9.png: labels must be 0..1" in second
    assert last == "folder: 2 bad files"


def _no_image(root: Path) -> None:
    (root / "images" / "3.png").unlink()


def _empty(root: Path) -> None:
    (root / "val.txt").write_text("\n")


def _one_image(root: Path) -> None:
    for index in range(8, IMAGES):
        (root / "images" / f"{index}.png").unlink()
        (root / "masks" / f"{index}.png").unlink()


def _other_file(root: Path) -> None:
    (root / "images" / "notes.txt").write_text("hello")


def _no_classes(root: Path) -> None:
    (root / "classes.txt").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_image, "masks/3.png: no image of that name"),
        (_empty, "val.txt: empty, at least one image is needed"),
        (_one_image, "no images for test"),
        (_no_classes, "classes.txt: missing"),
        (_other_file, "images/notes.txt: an image's name must end in"),
    ],
)
def test_a_mistake_in_the_lists_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None], words: str
) -> None:
    spoil(make(tmp_path))
    code, _, error = checked(tmp_path, capsys)
    assert code == 2
    assert words in error
    assert error.count("\n") == 1


def test_an_unknown_dataset_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--check-data", "kitti", str(tmp_path)]) == 2
    assert "data/dataset must be one of ade20k, camvid" in capsys.readouterr().err


def test_the_real_horses_are_a_folder(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """328 images of many sizes, masks of one bit, paths in a CSV."""
    source = real_data / "weizmann_horse"
    (tmp_path / "rgb").symlink_to(source / "rgb")
    (tmp_path / "figure_ground").symlink_to(source / "figure_ground")
    (tmp_path / "classes.txt").write_text("background\nhorse\n")
    images = sorted((source / "rgb").glob("*.jpg"))[:10]
    rows = [
        f"rgb/{x.name},figure_ground/{x.stem}.png,{'train' if i < 8 else 'val'}"
        for i, x in enumerate(images)
    ]
    (tmp_path / "samples.csv").write_text("\n".join(["image,mask,split", *rows]))
    code, output, error = checked(tmp_path, capsys)
    assert code == 2  # the links lead out of the folder
    assert "leads out of the dataset's folder" in error

    (tmp_path / "rgb").unlink()
    (tmp_path / "figure_ground").unlink()
    for image in images:
        for folder, name in (("rgb", image.name), ("figure_ground", f"{image.stem}.png")):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).write_bytes((source / folder / name).read_bytes())
    code, output, error = checked(tmp_path, capsys, "--set", "data/holdout=0")
    assert code == 0, error
    assert "(same as val)" in output
    assert "1 horse" in output


def test_maps_beside_the_labels_are_counted_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = [f"data/{split}_images=2" for split in ("train", "val", "test")]
    changes = ["data/targets=edge,depth,normals", "data/height=24", "data/width=32", *few]
    command = ["--check-data", "shapes", "", "--storage", str(tmp_path)]
    code = main(command + [word for change in changes for word in ("--set", change)])
    output = capsys.readouterr().out
    assert code == 0
    valid = 100 * 22 * 30 / (24 * 32)  # the void rim is one pixel wide
    assert f"train: edge: {valid:.1f}% of the pixels have a value" in output
    assert f"val: normals: {valid:.1f}% of the pixels have a value, mean length 1.000" in output
    assert " m\n" in output.split("test: depth: ")[1]
    for name in ("image", "edge", "depth", "normals"):
        with Image.open(tmp_path / "check" / "shapes" / f"{name}.png") as picture:
            assert picture.size == (32, 24)
    assert main([*command, "--set", "data/targets=parts"]) == 2
    error = capsys.readouterr().err
    assert "data/targets must be, for shapes: '' or some of edge,depth,normals,saliency" in error
