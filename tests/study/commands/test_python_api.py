"""Studies from Python: the command's plan, its errors, its results as a table."""

import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas
import pytest
from PIL import Image

import study
from cluster import session
from study.analysis.results import results_of
from study.commands import options, start
from study.execution.stopping import Policy
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning import make_plan, runs
from study.reporting.terminal.safe_console import SafeConsole
from tests.study import fake, fake_grid
from tests.trainables.data.test_camvid import make
from trainables import plugin
from trainables.data import Dataset

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "my_parts.py"
SMALL = {
    "data/height": 16,
    "data/width": 16,
    "data/train_images": 8,
    "data/val_images": 4,
    "data/test_images": 2,
    "model/width": 4,
    "data/flip": False,
}


def test_a_plan_equals_the_command_s(tmp_path: Path) -> None:
    made = study.make_plan(
        space="region", trials=3, epochs=2, name="n", storage=tmp_path, changes=SMALL
    )
    words = [word for path, value in SMALL.items() for word in ("--set", f"{path}={value}")]
    words += ["--trials", "3", "--epochs", "2", "--name", "n", "--storage", str(tmp_path)]
    given = options.parse_request(["--space", "region", *words])
    nodes = [session.local_node()]
    assert made == runs.place(make_plan.plan_from_request(given, nodes), nodes, 0)


def test_results_have_one_row_per_trial(tmp_path: Path) -> None:
    fake.ended_study(fake.plan(tmp_path))
    table = study.results("fake", tmp_path)
    assert list(table.index) == list(range(8))
    assert dict(table.state.value_counts()) == {"complete": 6, "pruned": 1, "failed": 1}
    best = results_of(StudyFolder(tmp_path / "fake").load()).best
    assert best is not None
    assert table[table.state == "complete"].miou.idxmax() == best.number
    assert table.loc[0, "loss/gamma"] == fake.params_of(fake.plan(tmp_path), 0)["loss/gamma"]
    assert "cell" not in table
    assert table.loc[7, "failure"] == "the loss was not finite"


def test_results_of_a_grid_pivot_to_its_table(tmp_path: Path) -> None:
    fake_grid.ended_study(fake_grid.plan(tmp_path, study="grid"))
    table = study.results("grid", tmp_path).pivot(index="seed", columns="cell", values="test_miou")
    assert (table["good"] - table["plain"]).tolist() == [0.03125] * 6
    with pytest.raises(ValueError, match="results must name a study in"):
        study.results("none", tmp_path)


def test_importing_the_package_imports_nothing_heavy() -> None:
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import study, sys; print({'ray', 'torch', 'pandas'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "set()"


def test_a_resumed_study_uses_the_given_lanes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.begin(fake.plan(tmp_path, lanes=2))
    seen = []

    def look(self: start.PlannedStudy, policy: Policy, **options: object) -> int:
        seen.append((self._plan.lanes, self._plan.most_lanes))
        return 0

    monkeypatch.setattr(start.PlannedStudy, "check_and_run", look)
    study.resume("fake", storage=tmp_path, lanes=1)
    assert seen == [(1, 1)]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_study_with_a_plug_in_loss_runs_in_another_thread(tmp_path: Path) -> None:
    """Only the main thread may set signal handlers; the plug-in travels to the workers."""
    before, tables = signal.getsignal(signal.SIGTERM), []

    def run_study() -> None:
        plan = study.make_plan(
            space="focal",
            with_parts=str(EXAMPLE),
            trials=2,
            epochs=1,
            confirm=0,
            name="mine",
            lanes=1,
            storage=tmp_path,
            tracking_uri=f"sqlite:///{tmp_path}/m.db",
            changes=SMALL,
        )
        tables.append(study.run_plan(plan))

    thread = threading.Thread(target=run_study)
    thread.start()
    thread.join(280)
    assert len(tables) == 1
    assert signal.getsignal(signal.SIGTERM) is before
    assert list(tables[0].state) == ["complete", "complete"]
    assert {"loss/focal", "loss/focal_power", "miou", "test_miou"} <= set(tables[0])
    plugged = StudyFolder(tmp_path / "mine").load().plan.plugin
    assert plugged is not None
    assert plugged.text == EXAMPLE.read_text()
    again = study.resume("mine", storage=tmp_path)  # it has ended: nothing runs
    assert again.equals(tables[0])
    with pytest.raises(ValueError, match=r"^name must be new in this storage"):
        study.make_plan(space="region", name="mine", storage=tmp_path)
    plugin.uninstall()


def test_a_plan_sees_files_that_changed_since_an_earlier_one_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests: list[str] = []

    def note(plan: object, dataset: Dataset, *_: object, **__: object) -> None:
        digests.append(dataset.digest)

    monkeypatch.setattr(start.preflight, "require_fit", note)
    data = make(tmp_path / "data")
    asked_for: dict[str, Any] = {
        "space": "region",
        "dataset": "camvid",
        "data": data,
        "storage": tmp_path,
    }
    plan = study.make_plan(**asked_for, trials=1, epochs=1, changes={"batch": 1})
    for value in (1, 1, 2):
        for path in data.glob("train/*.png"):
            Image.new("RGB", (16, 12), (value, 0, 0)).save(path)
        with ExitStack() as stack:
            planned = start.PlannedStudy(plan, StudyRecord(), SafeConsole(), stack)
            planned.check_and_run(dry_run=True, verbose=False)
    assert digests[0] == digests[1] != digests[2]


def test_a_verdict_is_the_table_of_the_report(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    fake_grid.ended_study(plan)
    table = study.verdict(plan.study, tmp_path).set_index(["cell", "metric"])
    numbers = ["mean", "delta", "low", "high", "p", "n", "seed_0"]
    assert all(pandas.api.types.is_numeric_dtype(table[name]) for name in numbers)
    good = table.loc[("good", "miou")]
    assert (good["verdict"], good["n"], good["delta"]) == ("better", 6, 1 / 32)
    assert repr(plan).startswith(f"Plan('{plan.name}': grid ")
    assert len(repr(plan)) < 200
