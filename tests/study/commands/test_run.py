"""The command line: every mistake a user can make is one line and exit code 2, at once."""

from pathlib import Path

import pytest

from study.commands.run import main
from tests.trainables.data.test_camvid import make


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> str:
    """The error of the command: it must be one line, and nothing may have started."""
    storage = ["--storage", str(tmp_path / "runs")] if "--storage" not in arguments else []
    try:
        code = main([*arguments, *storage])
    except SystemExit as left:  # argparse's own exit
        code = int(str(left.code))
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1, error
    assert not list((tmp_path / "runs").glob("*/ledger.jsonl"))
    return error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "semeda, affinity, region, all_losses, got None"),
        (["--space", "invers"], "all_losses, got 'invers'"),
        (["--space", "inverseform", "--dataset", "kitti"], "data/dataset must be one of ade20k"),
        (["--space", "inverseform", "--set", "loss/gama=1"], "unknown config path 'loss/gama'"),
        (["--space", "inverseform", "--set", "epochs=many"], "epochs must be a whole number"),
        (["--space", "inverseform", "--set", "epochs"], "--set must be PATH=VALUE, got 'epochs'"),
        (["--space", "inverseform", "--set", "loss/tile_reduction=max"], "must be one of sum"),
        (["--space", "inverseform", "--epochs", "0"], "epochs must be >= 1, got 0"),
        (["--space", "inverseform", "--trials", "0"], "--trials must be >= 1, got 0"),
        (["--space", "inverseform", "--sampler", "grid"], "--sampler must be one of tpe"),
        (["--space", "inverseform", "--scheduler", "pbt"], "--scheduler must be one of asha"),
        (["--space", "inverseform", "--objective", "iou"], "--objective must be one of area: miou"),
        (
            ["--space", "inverseform", "--workers", "4096", "--set", "batch=4096"],
            "--workers must be at most",
        ),
        (["--space", "inverseform", "--workers", "9"], "batch must be at least the 9 workers"),
        (["--space", "inverseform", "--gpus-per-worker", "99"], "--workers must be at most 0"),
        (["--space", "inverseform", "--name", "../up"], "--name must be letters"),
        (["--space", "inverseform", "--dataset", "camvid"], "dataset camvid needs a folder"),
        (
            ["--space", "inverseform", "--dataset", "camvid", "--data", "/no/such"],
            "data/root must be an existing folder",
        ),
        (
            ["--space", "inverseform", "--set", "data/height=16", "--set", "data/width=16"],
            "loss/tile must be at most 16",
        ),
        (["--space", "inverseform", "--storage", "/proc/none"], "--storage must be a folder"),
        (["--resume", "nothing"], "--resume must name a study in"),
        (["--resume", "../nothing"], "--resume must be letters"),
        (["--resume", "nothing", "--trials", "3"], "--trials cannot be given with --resume"),
        (["--space", "inverseform", "--weights", "/no/such.pth"], "model/weights must be"),
        (["--space", "inverseform", "--unknown"], "unrecognized arguments"),
        (["--space", "inverseform", "--trials", "many"], "invalid int value"),
    ],
)
def test_a_mistake_is_one_line_before_anything_starts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, tmp_path, *arguments)


def test_a_bad_mask_is_named_before_anything_starts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = make(tmp_path / "data")
    (root / "trainannot" / "1.png").unlink()
    error = refused(
        capsys, tmp_path, "--space", "inverseform", "--dataset", "camvid", "--data", str(root)
    )
    assert "trainannot/1.png: mask of train.txt:2 is missing" in error


def test_an_empty_folder_is_refused_as_a_dataset(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    error = refused(
        capsys,
        tmp_path,
        "--space",
        "inverseform",
        "--dataset",
        "camvid",
        "--data",
        str(tmp_path / "empty"),
    )
    assert "train.txt: missing" in error


def test_a_dry_run_prints_question_plan_and_forecast_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = main(
        [
            "--space",
            "inverseform",
            "--dry-run",
            "--storage",
            str(tmp_path / "runs"),
            "--set",
            "data/train_images=4",
            "--set",
            "data/val_images=2",
            "--set",
            "data/test_images=1",
        ]
    )
    output = capsys.readouterr().out
    assert code == 0
    for words in (
        "Which weights of boundary",
        "loss/gamma",
        "0.01 .. 1 (log)",
        "lanes of 1 worker",
        "forecast",
        "digest",
    ):
        assert words in output
    assert not list((tmp_path / "runs").iterdir())


def test_the_list_names_everything_that_can_be_requested(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--list"]) == 0
    output = capsys.readouterr().out
    for words in ("--space inverseform", "camvid", "boundary_f_3px", "fpn", "loss/gamma=0.0"):
        assert words in output
    assert "segfix: SegFix (Yuan et al., ECCV 2020)" in output
