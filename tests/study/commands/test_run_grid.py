"""The command line of a grid: the plan it shows, and its mistakes in one line."""

from pathlib import Path

import pytest

from study.commands.run import main
from tests.study.commands.test_run import refused

SMALL = (
    "--set",
    "data/train_images=4",
    "--set",
    "data/val_images=2",
    "--set",
    "data/test_images=1",
    "--set",
    "model/width=4",
)
SEMEDA = ("--space", "semeda", "--grid", "table2")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [*SEMEDA[:2], "--grid", "table9"],
            "--grid of semeda must be one of table1, table2, figure5, scale, FILE.yaml, got "
            "'table9'",
        ),
        (["--space", "region", "--grid", "table1"], "must be one of FILE.yaml, got 'table1'"),
        (["--grid", "table1"], "--space must be one of"),
        (["--grid", "/no/such.yaml"], "--grid must be a file that can be read"),
        ([*SEMEDA, "--seeds", "0"], "--seeds must be >= 1, got 0"),
        (["--space", "inverseform", "--seeds", "3"], "--seeds goes with --grid"),
        ([*SEMEDA, "--trials", "3"], "--trials cannot be given with --grid"),
        ([*SEMEDA, "--scheduler", "asha"], "--scheduler cannot be given with --grid"),
        ([*SEMEDA, "--set", "loss/lambda_1=2"], "--set must leave loss/edge, loss/lambda_1"),
        (["--space", "all_losses", "--set", "loss/w_a=2"], "--set must leave loss/class_weights,"),
        (
            ["--space", "all_losses", "--set", "optim/lr=0.1"],
            "--set optim/lr sets where its searches start and must be in 0.0005 .. 0.01 (log), "
            "got 0.1",
        ),
        (["--space", "inverseform", "--set", "loss/tile=300"], "--set must leave loss/beta,"),
        (["--space", "all_losses", "--cells", "x"], "--cells must be among cross_entropy,"),
        (["--space", "all_losses", "--trials", "-1"], "--trials must be >= 0, got -1"),
        (["--resume", "x", "--seeds", "3"], "--seeds cannot be given with --resume"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, tmp_path, *arguments)


def dry(capsys: pytest.CaptureFixture[str], storage: Path, *arguments: str) -> str:
    assert main([*arguments, *SMALL, "--dry-run", "--storage", str(storage)]) == 0
    assert not list(storage.iterdir())
    return " ".join(capsys.readouterr().out.split())


def test_a_dry_run_shows_cells_figures_and_what_the_seeds_can_decide(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output = dry(capsys, tmp_path / "runs", *SEMEDA, "--seeds", "5")
    for words in (
        "SEMEDA",
        "SEMEDA 74.20",
        "edge=multi_task lambda_1=1",
        "(baseline)",
        "on 5 seeds",
        "5 seeds can never be significant",
        "paired by seed with 'DeepLab-v2'",
        "test list",
        "study/run.py --resume",
    ):
        assert words in output


@pytest.mark.slow
def test_all_losses_needs_no_grid_option(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output = dry(capsys, tmp_path / "runs", "--space", "all_losses", "--seed", "3")
    # six seeds can decide any number of comparisons; the search has seed 3
    for words in (
        "cross_entropy (baseline)",
        "inverse_form",
        "on 6 seeds",
        "(4 to 9)",
        "lr?",
        "each cell searches its fields with a ? for 4 trials",
        "120 of 7 epochs",
    ):
        assert words in output
    fixed = ("--space", "all_losses", "--trials", "0", "--set", "optim/lr=0.01")
    output = dry(capsys, tmp_path / "runs", *fixed, "--cells", "semeda,lovasz", "--seeds", "6")
    assert "18 of 7 epochs" in output  # with the baseline, and no search
    assert "each cell searches" not in output


def test_a_custom_grid_is_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("mode: add_one\nfactors: {ar: {loss/ar: 0.1}, wide: {model/width: 8}}\n")
    with pytest.raises(AssertionError):  # --set model/width is the cells' own
        dry(capsys, tmp_path / "runs", "--grid", str(file))
    file.write_text("mode: add_one\nfactors: {ar: {loss/ar: 0.1}}\n")
    output = dry(capsys, tmp_path / "runs", "--grid", str(file), "--seeds", "6")
    assert "12 of 7 epochs" in output
    assert "6 seeds can decide" in output


def test_the_list_names_every_grid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    output = capsys.readouterr().out
    for words in ("--grid table1: Is an edge", "--grid arms", "--grid beta_gamma"):
        assert words in output
