"""The folder that a study leaves: its loss and network run by the lines that the report prints."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from study.analysis.results import results_of
from study.commands import model_folder
from study.commands.report import main as report
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting.sections import use_it
from tests.conftest import ROOT
from tests.study import fake, reports
from tests.study.commands.test_predict import finished_study
from trainables import saved
from trainables.config import Value
from trainables.saved_loss import Loss


@pytest.fixture(autouse=True)
def _no_miou(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake trial has no parameters to compute one from."""
    monkeypatch.setattr(fake, "miou", lambda params, epoch: 0.5)


def run(script: str, folder: Path) -> str:
    """The output of a program, in a folder of its own, where Edgewise is installed."""
    (folder / "site").mkdir()
    (folder / "site" / "edgewise").symlink_to(ROOT / "trainables" / "edgewise")
    path = f"{folder / 'site'}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": path, "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ended(storage: Path, **changes: Value) -> tuple[StudyFolder, StudyRecord]:
    folder, _, _ = finished_study(
        storage, data__height=16, data__width=24, data__train_images=4, **changes
    )
    record = folder.load()
    assert model_folder.save(results_of(record), folder) == ""
    return folder, record


def test_the_lines_of_the_report_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Value] = {"loss__beta": 2.0, "loss__lovasz": 1.5}
    changes["loss__schedule"] = "lovasz from 0.5"
    folder, record = ended(tmp_path / "runs", **changes)
    text = reports.markdown(record, folder.path)
    section = text.partition("## Use it\n")[2]
    assert "No loss is shown to be better: `plain`, seed 0, is the best single run" in section
    assert "cross_entropy 1, boundary_cross_entropy 2, lovasz 1.5; schedule: lovasz from" in section
    assert "\n## " not in section  # it is the last one
    loss, network = (block.split("\n```")[0] for block in section.split("```python\n")[1:])
    given = (
        "import torch\n"
        "logits, labels, epoch = torch.zeros(1, 6, 16, 24), torch.zeros(1, 16, 24).long(), 0\n"
        "boundary_logits, images = torch.zeros(1, 16, 24), torch.rand(1, 3, 16, 24)\n"
    )
    scope: dict[str, torch.Tensor] = {}
    monkeypatch.chdir(tmp_path)
    exec(f"{given}\n{loss}\n{network}", scope)
    own = Loss.from_model(folder.model)
    labels = torch.zeros(1, 16, 24).long()
    boundary = torch.zeros(1, 16, 24)
    expected = own(torch.zeros(1, 6, 16, 24), labels, boundary, progress=0.0)
    assert scope["value"].item() == pytest.approx(expected.item())
    assert tuple(scope["labels"].shape) == (1, 16, 24)
    page = (folder.report / "report.html").read_text()
    assert "<pre>from edgewise import Loss\n" in page


def test_the_program_runs_as_it_is(tmp_path: Path) -> None:
    folder, _ = ended(tmp_path / "runs", loss__lovasz=1.0)
    program = folder.model / use_it.SCRIPT
    code = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    loss, labels = run(code, tmp_path).splitlines()
    assert loss.startswith("loss ")
    assert labels.startswith("labels (1, 16, 24) of ")


def test_the_card_says_what_the_network_is_and_is_not(tmp_path: Path) -> None:
    folder, record = ended(tmp_path / "runs")
    text = (folder.model / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    head = yaml.safe_load(front)
    assert (head["pipeline_tag"], head["license"]) == ("image-segmentation", "unknown")
    [result] = head["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "miou", "name": "miou", "value": 0.5}]
    assert result["dataset"]["split"] == "validation"
    assert f"digest {record.data.digest}" in body
    assert ", ".join(record.data.classes) in body
    assert "validation list: miou 50.00 %" in body
    assert "`model/width` 4" in body
    for title in ("Verdict", "Licence", "Limits"):
        assert f"## {title}\n" in body


def test_an_older_folder_is_completed_by_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = ended(tmp_path / "runs")
    for name in (use_it.SCRIPT, "README.md", "MLmodel"):
        (folder.model / name).unlink()
    assert report(["fake", "--storage", str(folder.storage)]) == 0
    assert (folder.model / use_it.SCRIPT).exists()
    assert (folder.model / "README.md").exists()
    assert (folder.model / "MLmodel").exists()
    capsys.readouterr()


def test_a_folder_of_another_trial_is_not_described_as_the_champion(tmp_path: Path) -> None:
    folder, record = ended(tmp_path / "runs")
    network, config, classes = saved.load(folder.model)
    other = config.changed({"seed": 7})
    buffer = tmp_path / "state.pt"
    torch.save({"network": network.state_dict()}, buffer)
    saved.save(folder.model, other, classes, buffer.read_bytes())
    assert use_it.saved_trial(results_of(record), folder) is None
    section = reports.markdown(record, folder.path).partition("## Use it\n")[2]
    assert section.startswith("\nThere is nothing to use yet")
