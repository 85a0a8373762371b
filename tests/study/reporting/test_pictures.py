"""Pictures of predictions: boundary errors by hand, files that open."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.reporting.pictures import epochs, pictures
from trainables.config import DataConfig
from trainables.data import load
from trainables.training import checkpoint

FOUND, MISSED, INVENTED = (60, 200, 90), (70, 130, 255), (255, 70, 60)


def square(rows: slice, columns: slice) -> pictures.Picture:
    labels = np.zeros((12, 12), dtype=np.uint8)
    labels[rows, columns] = 1
    return labels


def colours(image_HWC: pictures.Picture) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in image_HWC.reshape(-1, 3).tolist()}


def test_a_perfect_prediction_has_only_found_boundaries() -> None:
    truth = square(slice(3, 8), slice(3, 8))
    errors_HWC = pictures.boundary_errors(np.zeros((12, 12, 3), dtype=np.uint8), truth, truth)
    assert colours(errors_HWC) == {(0, 0, 0), FOUND}


def test_what_lies_within_the_tolerance_is_found_and_what_lies_outside_is_not() -> None:
    black = np.zeros((12, 12, 3), dtype=np.uint8)
    truth = square(slice(3, 8), slice(3, 8))
    near = pictures.boundary_errors(black, truth, square(slice(3, 8), slice(4, 9)))
    assert colours(near) == {(0, 0, 0), FOUND}
    nothing = pictures.boundary_errors(black, truth, np.zeros_like(truth))
    assert colours(nothing) == {(0, 0, 0), MISSED}
    invented = pictures.boundary_errors(black, np.zeros_like(truth), truth)
    assert colours(invented) == {(0, 0, 0), INVENTED}


def test_void_makes_no_boundary_in_a_picture() -> None:
    truth = np.zeros((12, 12), dtype=np.uint8)
    truth[:3] = 255
    errors_HWC = pictures.boundary_errors(np.zeros((12, 12, 3), dtype=np.uint8), truth, truth)
    assert colours(errors_HWC) == {(0, 0, 0)}


def test_four_panels_a_picture_for_each_prediction_of_a_checkpoint(tmp_path: Path) -> None:
    dataset = load(DataConfig(train_images=1, val_images=3, test_images=1, height=24, width=32))
    folder = tmp_path / "checkpoint_000000"
    folder.mkdir()
    checkpoint.write(folder, 1, b"state", dataset.splits["val"].labels_NHW % 6, b"")
    newest = checkpoint.read(folder)
    paths = pictures.draw(dataset, newest, tmp_path / "pictures")
    assert [path.stem for path in paths] == list(dataset.splits["val"].names)
    with Image.open(paths[0]) as image:
        width, height = image.size
    assert width == 4 * 32 * 10
    assert height == 24 * 10 + 18


def test_a_row_of_panels_per_image_shows_how_a_trial_learned(tmp_path: Path) -> None:
    dataset = load(DataConfig(train_images=1, val_images=3, test_images=1, height=24, width=32))
    predicted = list(dataset.splits["val"].labels_NHW[:2] % 6)
    epochs.draw(dataset, {1: predicted}, tmp_path)
    assert not list(tmp_path.iterdir()), "one epoch shows nothing"
    epochs.draw(dataset, {1: [map_HW * 0 for map_HW in predicted], 4: predicted}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {epochs.NAME, epochs.BOUNDARIES}
    path = tmp_path / epochs.NAME
    with Image.open(path) as image:
        assert image.size == (4 * 32 * 6, 2 * (24 * 6 + 18))
        pixels = np.asarray(image)
    labels_HW = dataset.splits["val"].labels_NHW[0]
    row, column = np.argwhere((labels_HW > 0) & (labels_HW < 6))[0]
    places = [32 * 6 * panel + 6 * column for panel in (1, 2, 3)]
    truth, first, last = pixels[18 + 6 * row, places].tolist()
    assert truth == last == list(dataset.colours[labels_HW[row, column]])
    assert first == list(dataset.colours[0])
    assert pictures.file_name(path.stem) != path.stem


@pytest.mark.parametrize(
    "name", ["n" * 250, "two\\nlines", "caf\\udce9", "a/b", "é", "../x", "=1+1"]
)
def test_a_picture_s_name_is_short_plain_and_its_own(name: str) -> None:
    short = pictures.file_name(name)
    assert len(short) < 80
    assert short.isascii()
    assert not {"/", "\n", "\\"} & set(short)
    assert short != pictures.file_name(name + "x")
    assert pictures.file_name("val-00003") == "val-00003"


def test_boundaries_by_epoch_are_red_where_predicted_blue_where_true_pink_where_both() -> None:
    """Active Boundary Loss, Figure 4; a contour is the pixel before a change."""
    labels, predicted = (np.zeros((12, 24), np.uint8) for _ in range(2))
    labels[:, 8:] = 1
    predicted[:, 14:] = 1
    image = np.full((12, 24, 3), 90, np.uint8)
    drawn = epochs.boundaries(image, labels, predicted)
    row = [tuple(int(value) for value in pixel) for pixel in drawn[6]]
    assert {place for place, hue in enumerate(row) if hue == epochs._TRUE} == {7}
    assert {place for place, hue in enumerate(row) if hue == epochs._PREDICTED} == {13}
    same = epochs.boundaries(image, labels, labels)
    assert tuple(int(value) for value in same[6, 7]) == epochs._BOTH
    assert tuple(row[0]) == (30, 30, 30)


def test_no_line_is_lost_where_a_large_picture_is_thinned_out() -> None:
    wide = np.zeros((700, 700, 3), np.uint8)
    wide[333] = (255, 0, 0)
    small = epochs._small(wide)
    assert small.shape == (140, 140, 3)
    assert (small[66] == (255, 0, 0)).all()
