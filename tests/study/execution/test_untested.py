"""A trial whose last network is gone or damaged is untested, and everything says so."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from study.analysis.protocol import protocol
from study.analysis.results import AblationResults, SearchResults, results_of
from study.commands.python_api import frame
from study.execution import execute, test_evaluation
from study.execution.execute import Execution
from study.execution.stopping import Faults, Policy, Stop
from study.ledger.events import Untested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning.runs import grid_runs
from study.reporting.pictures.trial_artifacts import TrialArtifacts
from study.reporting.terminal import plan_and_result
from study.reporting.terminal.event_lines import event_line
from study.tracking.cells import judged
from study.tracking.runs import study_run
from study.tracking.trial_runs import trial_run
from tests.study import fake, fake_grid, reports
from tests.study.execution.test_stages import small
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables.training import checkpoint
from trainables.training.refinement import RefinementError
from trainables.training.restore import Measured


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that measures at once, in this process; a network's score is its state's length."""

    def measure(config: object, state: bytes, *others: object) -> Measured:
        return Measured({"test_miou": len(state) / 64}, b"")

    class Task:
        """What Ray calls a reference: its function has run."""

        def __init__(self, result: object) -> None:
            self.result = result

    here = SimpleNamespace(
        put=lambda data: data,
        remote=lambda **needs: lambda run: SimpleNamespace(remote=lambda *of: Task(run(*of))),
        wait=lambda tasks: (tasks[:1], tasks[1:]),
        get=lambda task: task.result,
    )
    monkeypatch.setattr(execute, "ray", here)
    monkeypatch.setattr(test_evaluation, "ray", here)
    monkeypatch.setattr(test_evaluation, "measure", measure)


def save_all(plan: Plan, ledger: Ledger) -> dict[int, Path]:
    """Write the checkpoints of the last two epochs of every trial; return the last one's folder."""
    folders = {}
    for trial in ledger.record.trials.values():
        root = StudyFolder.of(plan).tune / "attempt-1" / trial.folder
        for epoch in (trial.last_epoch - 1, trial.last_epoch):
            folders[trial.number] = root / f"checkpoint_{epoch:06d}"
            write_checkpoint(folders[trial.number], epoch)
    return folders


def measured(plan: Plan, ledger: Ledger) -> Ledger:
    """The ledger after the trials have been measured, as far as they could be."""
    Execution(plan, fake.SPACE, small(), ledger, Faults(Policy(), Stop()))._measure_finalists()
    return ledger


@pytest.fixture
def grid(tmp_path: Path) -> tuple[Plan, Ledger, dict[int, Path]]:
    plan = fake_grid.plan(tmp_path)
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        fake_grid.complete(ledger, run)
    return plan, ledger, save_all(plan, ledger)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def printed(plan: Plan, ledger: Ledger) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        plan_and_result.print_result(console, plan, results_of(ledger.record), {}, {})
    return capture.get()


def test_a_network_of_the_epoch_before_is_never_measured(
    grid: tuple[Plan, Ledger, dict[int, Path]],
) -> None:
    plan, ledger, folders = grid
    flip(folders[3] / checkpoint.STATE)
    trial = measured(plan, ledger).record.trials[3]
    assert trial.tested is None
    assert trial.untested.endswith(
        "checkpoint_000004/state.pt: damaged: its content is not what was written"
    )
    others = [t for t in ledger.record.trials.values() if t.number != 3]
    assert all(t.tested is not None for t in others)
    assert Ledger(ledger.path).record.trials[3].untested == trial.untested


def test_a_network_that_cannot_be_refined_stops_no_other(
    grid: tuple[Plan, Ledger, dict[int, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ledger, _ = grid
    given = iter([RefinementError("no refinement by segfix: its loss is nan")])
    measured_else = test_evaluation.measure

    def measure(*of: Any) -> Measured | RefinementError:
        return next(given, None) or measured_else(*of)

    monkeypatch.setattr(test_evaluation, "measure", measure)
    trials = measured(plan, ledger).record.trials.values()
    (untested,) = (trial for trial in trials if trial.tested is None)
    assert untested.untested == "no refinement by segfix: its loss is nan"


def test_every_view_names_the_untested_run(grid: tuple[Plan, Ledger, dict[int, Path]]) -> None:
    plan, ledger, folders = grid
    flip(folders[3] / checkpoint.STATE)
    measured(plan, ledger)
    trial, results = ledger.record.trials[3], results_of(ledger.record)
    assert isinstance(results, AblationResults)
    assert results.split == "test", "one damaged file does not move the grid to validation"
    row = next(row for row in results.tables[0].rows if row.cell.name == trial.cell)
    assert (row.untested, row.unfinished, len(row.values)) == (1, 0, 5)
    named = f"trial 3 ({trial.cell}, seed {trial.seed}): "
    shutil.rmtree(StudyFolder.of(plan).counts(0, "test").parent)  # this measure writes none
    report = reports.write(ledger.record, StudyFolder.of(plan))
    texts = [path.read_text() for path in report if path.suffix in (".md", ".html")]
    for text in (*texts, printed(plan, ledger)):
        assert named in text.replace("\n", " ")
        assert "1 untested" in text
    assert "Untested, and not in the table: 1 run." in protocol(ledger.record, results.tables[0])
    table = (StudyFolder.of(plan).report / "table.csv").read_text()
    assert "untested" in table.splitlines()[0]
    assert trial_run(ledger.record, trial).tags["untested"] == trial.untested
    assert named in study_run(ledger.record).tags["untested"]
    cell = next(run for run in judged(results) if run.key == f"cell/{trial.cell}")
    assert f"seed {trial.seed}: " in cell.tags["untested"]
    assert frame(ledger.record).loc[3, "untested"] == trial.untested
    line = event_line(Untested(trial=3, reason=trial.untested), ledger.record)
    assert line == f"trial 3 is untested: {trial.untested}"


def test_a_grid_without_any_network_is_not_judged_on_validation(
    grid: tuple[Plan, Ledger, dict[int, Path]],
) -> None:
    plan, ledger, folders = grid
    for folder in folders.values():
        for path in folder.parent.glob("*/state.pt"):
            path.write_bytes(b"")
    results = results_of(measured(plan, ledger).record)
    assert isinstance(results, AblationResults)
    assert results.split == "test"
    assert not any(row.values for row in results.tables[0].rows)
    assert set(results.verdicts.values()) <= {"baseline", "undecided", "not run"}
    assert [row.untested for row in results.tables[0].rows] == [6, 6, 0]
    assert "6 untested" in reports.markdown(ledger.record, StudyFolder.of(plan).path)


def test_figures_of_validation_say_that_they_are(
    grid: tuple[Plan, Ledger, dict[int, Path]],
) -> None:
    _, ledger, _ = grid
    results = results_of(ledger.record)
    assert "all figures here are of the validation list" in protocol(
        ledger.record, results.tables[0]
    )


def test_an_untested_trial_is_measured_once_its_file_is_back(
    grid: tuple[Plan, Ledger, dict[int, Path]],
) -> None:
    plan, ledger, folders = grid
    path = folders[3] / checkpoint.STATE
    whole = path.read_bytes()
    flip(path)
    measured(plan, measured(plan, ledger))
    assert ledger.path.read_text().count('"untested"') == 1, "the same reason is told once"
    path.write_bytes(whole)
    trial = measured(plan, ledger).record.trials[3]
    assert trial.tested is not None
    assert not trial.untested


def test_the_winner_of_a_search_is_untested_by_name(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    folders = save_all(plan, ledger)
    winner = results_of(ledger.record).best
    assert winner is not None
    flip(folders[winner.number] / checkpoint.STATE)
    results = results_of(measured(plan, ledger).record)
    assert isinstance(results, SearchResults)
    assert winner.tested is None
    said = f"Trial {winner.number} is untested: "
    assert said in reports.markdown(ledger.record, StudyFolder.of(plan).path)
    assert "untested trial" in printed(plan, ledger)


@pytest.mark.parametrize("name", [checkpoint.COUNTS, checkpoint.PREDICTIONS, checkpoint.STATE])
def test_pictures_and_counts_of_a_damaged_checkpoint_are_not_taken(
    tmp_path: Path, name: str
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    folder, trial = StudyFolder.of(plan), ledger.record.trials[0]
    data = small()
    path = save_all(plan, ledger)[0]
    labels = data.splits["val"].labels_NHW[:1]
    checkpoint.write(path, trial.last_epoch, b"state", np.asarray(labels), b"counts")
    flip(path / name)
    (missing,) = TrialArtifacts(folder, data)(trial)
    assert name in missing.read_text()
    assert not folder.counts(0, "val").exists()
    checkpoint.write(path, trial.last_epoch, b"state", np.asarray(labels), b"counts")
    assert folder.counts(0, "val") in TrialArtifacts(folder, data)(trial)
    assert not missing.exists()
