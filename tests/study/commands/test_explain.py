"""The paper's Figure 2 from the user's own data, and one line for data that cannot be explained."""

import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from study.commands import explain

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
    assert explain.cross_entropy(predicted, true).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nonsense"], "WHAT must be one of inverseform, got 'nonsense'"),
        (["inverseform", "--set", "loss/tile=300"], "loss/tile must be at most 48, the"),
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
