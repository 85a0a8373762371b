"""The tutorial's cells run in their order, in a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from tests.conftest import ROOT
from tests.study import fake_grid
from trainables import saved
from trainables.networks.segmentation import Segmenter
from trainables.training.state import pack

NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
_WITHOUT_RAY = (
    "import study\nfrom tests.study.commands.test_tutorial import run\nstudy.run_plan = run\n"
)


def cells() -> list[str]:
    """The notebook's code, by cell."""
    notebook = json.loads(NOTEBOOK.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    for cell in notebook["cells"]:
        assert {"id", "cell_type", "metadata", "source"} <= cell.keys()
        assert not cell.get("outputs")
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(plan: Plan) -> object:
    """What ``study.run_plan`` leaves, without training: a ledger, and the network of a run."""
    import study

    ledger = fake_grid.ended_study(plan)
    [trial] = [
        one for one in ledger.record.trials.values() if (one.cell, one.seed) == ("lovasz", 0)
    ]
    config = plan.config.changed(trial.config)
    names = ledger.record.data.classes
    network = Segmenter(config.model, len(names), boundary_head=False)
    state = pack({"epoch": plan.epochs, "network": network.state_dict()})
    saved.save(StudyFolder.of(plan).model, config, names, state)
    return study.results(plan.study, plan.storage)


def execute(folder: Path, prelude: str) -> None:
    """Run the cells as one program, in a folder of their own."""
    given = {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", prelude + "\n".join(cells())],
        cwd=folder,
        env=os.environ | given,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "runs" / "tutorial" / "model" / "network.onnx").exists()


def test_its_cells_run(tmp_path: Path) -> None:
    execute(tmp_path, _WITHOUT_RAY)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_runs_with_its_study(tmp_path: Path) -> None:
    execute(tmp_path, "")
    assert (tmp_path / "runs" / "tutorial" / "report" / "report.html").exists()
    assert (tmp_path / "runs" / "tutorial" / "model" / "use_it.py").exists()
