"""The papers' figures from the user's own data, and one line for what cannot be explained."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.commands import explain
from study.reporting.explanations import active_boundary, inverseform, moved, semeda
from trainables.config import TrialConfig
from trainables.geometry.boundaries import VOID

TINY = [
    word
    for change in (
        "data/train_images=8",
        "data/val_images=4",
        "data/test_images=4",
        "inverse_net/steps=3",
        "inverse_net/units=8,8",
        "loss/tile=16",
    )
    for word in ("--set", change)
]


def test_it_writes_a_picture_and_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--storage", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    assert explain.main(["inverseform", *TINY, *places]) == 0
    text = (tmp_path / "out" / "figure2.md").read_text()
    for name in ("cross-entropy", "euclidean", "geodesic"):
        assert f"| {name} |" in text
    assert text in capsys.readouterr().out
    assert Image.open(tmp_path / "out" / "figure2.png").width > 300
    assert len(list((tmp_path / "runs" / "stages").glob("*.pt"))) == 2


def test_the_cross_entropy_is_for_a_prediction_of_95_percent_confidence() -> None:
    true = torch.zeros(1, 2, 2)
    predicted = torch.tensor([[[1.0, 0], [0, 0]]])
    expected = -(math.log(0.05) + 3 * math.log(0.95)) / 4
    assert inverseform.cross_entropy(predicted, true).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["nonsense"],
            "WHAT must be one of inverseform, active_boundary, semeda, affinity, got 'nonsense'",
        ),
        (["inverseform", "--set", "loss/tile=300"], "loss/tile must be at most 48, the"),
        (
            ["affinity", "--image", "nowhere"],
            "--image must name a test image or be its place, 0 to",
        ),
        (["affinity", "--model", "nowhere"], "nowhere"),
        (["inverseform", "--set", "loss/lambda_geo=-1"], "loss/lambda_geo must be a finite number"),
    ],
)
def test_data_that_cannot_be_explained_is_refused_in_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain.main(arguments) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("what", "name", "words"),
    [
        ("active_boundary", "figure4", "| not detached | 60 |"),
        ("semeda", "semeda", "| SEMEDA, layer 2 |"),
        ("affinity", "figure4", "| labels moved by 3 px |"),
    ],
)
def test_every_loss_writes_a_picture_and_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, name: str, words: str
) -> None:
    small = [*TINY, "--set", "edge_net/steps=3", "--image", "1"]
    places = ["--storage", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    assert explain.main([what, *small, *places]) == 0
    text = (tmp_path / "out" / f"{name}.md").read_text()
    assert words in text
    assert text in capsys.readouterr().out
    assert Image.open(tmp_path / "out" / f"{name}.png").width > 300


def test_the_conflict_of_figure_3() -> None:
    """V1 and V2 move, V4 is the true boundary: V1 aims at V2, which moves on to V3."""
    moving = np.array([[True, True, False, False]])
    distance = np.array([[3.0, 2.0, 1.0, 0.0]], np.float32)
    labels = np.zeros((1, 4), np.int64)
    assert active_boundary.conflicts(moving, distance, labels).tolist() == [[True] + [False] * 3]
    apart = np.array([[True, False, True, False]])
    assert not active_boundary.conflicts(apart, distance, labels).any()
    level = np.ones((1, 4), np.float32)
    assert not active_boundary.conflicts(moving, level, labels)[0, 1], "they aim at each other"
    labels[0, 1] = VOID
    assert not active_boundary.conflicts(moving, distance, labels)[0, 0], "void is no target"


def test_the_loss_moves_a_boundary_only_with_the_gradient_to_neighbours_stopped() -> None:
    """ABL, Table 1: the detaching operation is needed. A box begins 3 px from its place."""
    labels = np.zeros((36, 48), np.uint8)
    labels[9:27, 12:36] = 1
    config = replace(TrialConfig().loss, abl_ratio=0.08)
    wrong = {
        detach: [one.wrong for one in active_boundary.run(labels, 2, config, detach=detach)]
        for detach in (True, False)
    }
    # Two strips of 3 px on either side; the softening rounds the moved box's four corners, three
    # of which were wrong before and one right.
    pixels = 2 * (18 + 24 - 3) * 3 - 3 + 1
    assert wrong[True][0] == wrong[False][0] == pytest.approx(pixels / (36 * 48))
    assert min(wrong[True]) < wrong[True][0] / 2
    assert min(wrong[False]) > wrong[False][0] / 2


def test_both_spoiled_maps_have_as_many_wrong_pixels_and_holes_touch_no_boundary() -> None:
    true = np.zeros((30, 40), np.uint8)
    true[8:22, 10:30] = 1
    true[0] = VOID
    found = semeda.holed(true, 50, 3, np.random.default_rng(0))
    assert found is not None
    wrong = found != true
    assert wrong.sum() == 50
    assert (found[0] == VOID).all()
    for row, column in zip(*np.nonzero(wrong), strict=True):
        around = true[row - 1 : row + 2, column - 1 : column + 2]
        assert (around == true[row, column]).all()
    assert semeda.holed(true, 1000, 3, np.random.default_rng(0)) is None, "there is no room"


def test_a_moved_map_is_shifted_and_void_takes_the_nearest_class() -> None:
    labels = np.array([[0, 1, 2], [3, VOID, 5], [6, 7, 8]], np.uint8)
    assert moved.filled(labels)[1, 1] in (1, 3, 5, 7)
    assert moved.moved(labels, 1)[1:, 1:].tolist() == moved.filled(labels)[:-1, :-1].tolist()
    assert (moved.filled(np.full((2, 2), VOID, np.uint8)) == 0).all()
    prob = moved.probabilities(np.array([[0, 2]], np.uint8), 3)
    assert prob[0, :, 0, 1].tolist() == pytest.approx([0.025, 0.025, 0.95])
