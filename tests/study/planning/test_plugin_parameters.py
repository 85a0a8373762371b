"""A plug-in's loss is tried with all that a study may give it, before the study starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import session
from study.commands import options
from study.planning.make_plan import plan_from_request
from study.planning.plugin import install_given
from tests.study.commands.test_run import refused
from trainables import plugin

LOSS = """
import torch
from optuna.distributions import FloatDistribution
from search_spaces import Dimension, Space
from trainables.losses.term import LossTerm


def mine(prediction, target, *, power: float = 2.0):
    prob_BHW = prediction.logits_BKHW.softmax(1).gather(
        1, target.labels_BHW.where(target.valid_BHW, 0).unsqueeze(1)
    ).squeeze(1)[target.valid_BHW]
    return LossTerm(({formula}).sum(), target.valid_BHW.sum())


LOSSES = {{"mine": mine}}
SPACES = {{
    "mine": Space(
        name="mine",
        question="Which power?",
        base={{"loss/mine": 1.0}},
        dimensions=(
            Dimension(
                path="loss/mine_power", distribution=FloatDistribution({low}, 5.0), why="-"
            ),
        ),
    )
}}
"""
ROOT = "(1 - prob_BHW) ** power"
"""Its derivative at p = 1 is infinite for powers below 1."""
LOGARITHM = "-prob_BHW.log() * power"
CERTAIN = "the gradient of total must be finite where every prediction is certain and right, got"


@pytest.fixture(autouse=True)
def _without_plugin() -> Iterator[None]:
    yield
    plugin.uninstall()


def file_with(folder: Path, formula: str, low: float = 1.0) -> str:
    file = folder / "mine.py"
    file.write_text(LOSS.format(formula=formula, low=low))
    return str(file)


def test_a_space_with_a_part_without_a_gradient_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A tenth of the space has powers below 1; the default and most draws are fine."""
    file = file_with(tmp_path, ROOT, low=0.5)
    error = refused(capsys, tmp_path, "--with", file, "--space", "mine")
    assert error.startswith(f"study/run.py: --with mine.py:8: {CERTAIN} ")
    assert ", with loss/mine_power=0." in error
    assert error.rstrip().endswith("(LOSSES/mine)")


@pytest.mark.parametrize(
    "given",
    [
        ["--space", "region", "--set", "loss/mine=1", "--set", "loss/mine_power=0.5"],
        ["--factor", "loss/mine_power=2,0.5", "--set", "loss/mine=1"],
        ["--factor", "loss/mine=0,1", "--set", "loss/mine_power=0.5"],
    ],
)
def test_a_value_or_a_cell_without_a_gradient_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: list[str]
) -> None:
    error = refused(capsys, tmp_path, "--with", file_with(tmp_path, ROOT), *given)
    assert f"mine.py:8: {CERTAIN} nan, with loss/mine_power=0.5 (LOSSES/mine)" in error


def test_an_infinite_value_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = file_with(tmp_path, LOGARITHM)
    error = refused(capsys, tmp_path, "--with", file, "--space", "mine")
    assert "total must be finite where every prediction is certain and wrong, got inf" in error


@pytest.mark.parametrize("given", [["--space", "mine"], ["--space", "region"]])
def test_a_loss_that_is_finite_or_without_a_weight_is_planned(
    tmp_path: Path, given: list[str]
) -> None:
    formula = ROOT if "mine" in given else LOGARITHM
    install_given([file_with(tmp_path, formula)])
    request = options.parse_request([*given, "--storage", str(tmp_path)])
    assert plan_from_request(request, [session.local_node()]).plugin is not None
