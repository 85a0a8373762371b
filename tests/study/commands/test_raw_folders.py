"""Raw folders by one command, up to the plan; and the same arguments from Python."""

from pathlib import Path

import pytest

from study.commands.python_arguments import in_python, study_request
from study.commands.run import main
from study.planning.base_config import base_config
from study.planning.request import StudyRequest
from tests.trainables.data.raw_folders import em_stack, nuclei, retina
from trainables.config import flatten
from trainables.data import load

EM = ["--images", "image", "--masks", "label", "--classes", "background,membrane"]


def checked(
    root: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> tuple[int, str, str]:
    load.cache_clear()
    code = main(["--check-data", "folder", str(root), *options])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_each_kind_is_checked_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = [
        (em_stack, EM),
        (nuclei, ["--images", "file", "--masks", "seg", "--classes", "ground,nucleus=nonzero"]),
        (
            retina,
            ["--images", "*/images", "--masks", "*/1st_manual", "--classes", "ground=0,vessel=255"],
        ),
    ]
    for make, options in kinds:
        code, output, error = checked(make(tmp_path / make.__name__), capsys, options)
        assert code == 0, error
        assert "all files are good; digest " in output


def test_a_class_without_a_pixel_fails_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*EM[:-1], "background,membrane=255,cell"]
    code, output, _ = checked(em_stack(tmp_path), capsys, options)
    assert code == 2
    assert "failure: train: no pixel of class 'cell'" in output


def test_much_void_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = em_stack(tmp_path)
    options = [*EM[:-1], "membrane=255,cell=254,void=0"]
    _, output, _ = checked(root, capsys, options)
    assert "of all pixels are void" in output
    assert "warning: train: " in output


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["--dry-run", "--space", "active_boundary", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_a_study_says_all_that_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = em_stack(tmp_path / "em")
    error = refused(capsys, "--data", str(root), "--storage", str(tmp_path / "runs"))
    assert "classes.txt: missing, and no --classes; images/: missing" in error


def test_options_of_a_folder_go_with_no_other_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(capsys, "--dataset", "camvid", "--data", "/nowhere", "--images", "image")
    assert "data/images must be given with --dataset folder, got 'image'" in error


def test_data_of_ones_own_are_never_the_built_in_ones() -> None:
    assert base_config(StudyRequest(data="/mine"), {}).data.dataset == "folder"
    assert base_config(StudyRequest(), {}).data.dataset == "shapes"
    named = {"data/dataset": "camvid"}
    assert base_config(StudyRequest(data="/mine"), named).data.dataset == "camvid"
    published = StudyRequest(data="/mine", recipe="inverseform_cityscapes")
    assert base_config(published, {}).data.dataset != "folder"
    with pytest.raises(ValueError, match=r"^--data must be left out with --dataset shapes, got "):
        base_config(StudyRequest(dataset="shapes", data="/mine"), {})


def test_a_table_outside_the_folder_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = nuclei(tmp_path / "nuclei")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.tsv").write_text((root / "slides.tsv").read_text())

    def named(table: str) -> str:
        return base_config(StudyRequest(data=str(root), samples=table), {}).data.samples

    assert named("mine.tsv") == str(tmp_path / "mine.tsv")
    assert named("slides.tsv") == "slides.tsv"


def test_the_same_arguments_in_python() -> None:
    request = study_request(
        {
            "data": Path("/mine"),
            "images": "image",
            "masks": "label",
            "classes": ["ground=0", "cell=255"],
            "samples": Path("/mine/list.tsv"),
            "split_column": "set",
        }
    )
    flat = flatten(base_config(request, {}))
    assert flat["data/class_names"] == "ground=0,cell=255"
    assert flat["data/samples"] == "/mine/list.tsv"
    assert (flat["data/images"], flat["data/split_column"]) == ("image", "set")
    with pytest.raises(ValueError, match="masks must be a text or None, got 3"):
        study_request({"masks": 3})
    assert in_python("and no --classes; give --split-column") == "and no classes; give split_column"
