"""A study whose trials have ended ends in order, whatever then fails: gallery, report, model."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from study.analysis.results import results_of
from study.commands import run_study
from study.execution.stopping import STOPPED, Policy
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting import write_report
from study.reporting.pictures import gallery
from study.reporting.pictures.gallery import Chosen
from tests.study import fake
from tests.study.execution.test_stages import small
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables import saved
from trainables.config.pixels import RGB


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What MLflow's sink receives at the end of a study that has nothing left to run."""
    given: list[tuple[object, ...]] = []
    sink = SimpleNamespace(
        close=lambda *files_and_model: given.append(files_and_model), experiment="1"
    )
    nothing_to_run = SimpleNamespace(run=lambda: None)
    monkeypatch.setattr(run_study, "Execution", lambda *_: nothing_to_run)
    monkeypatch.setattr(run_study, "MlflowSink", lambda *_: sink)
    return given


def end(plan: Plan, ledger: Ledger) -> int:
    """The exit code of a study that has nothing left to run."""
    run = run_study.StudyRun(plan, fake.SPACE, small(), ledger, Console(width=140))
    return run.run(Policy())


@pytest.mark.parametrize("error", [ValueError("odd shape"), OSError(28, "No space left")])
def test_a_study_ends_even_if_its_report_cannot_be_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    closed: list[tuple[object, ...]],
    error: Exception,
) -> None:
    def refuse(*given: object) -> None:
        raise error

    plan = fake.plan(tmp_path)
    monkeypatch.setattr(write_report, "write", refuse)
    assert end(plan, fake.begin(plan)) == STOPPED
    output = capsys.readouterr()
    assert closed == [([], None)]
    assert f"the report cannot be written: {type(error).__name__}: {error}" in output.err
    assert "study/run.py --resume fake" in output.out


def test_a_model_that_cannot_be_saved_leaves_the_study_outdated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: list[tuple[object, ...]]
) -> None:
    """The report may be complete by then: a resume writes it again and saves the model. It ended
    with exit code 0, though stderr said so."""

    def refuse(*given: object) -> None:
        raise OSError(28, "No space left on device")

    plan = fake.plan(tmp_path)
    folder = StudyFolder.of(plan)
    ledger = fake.ended_study(plan)
    winner = results_of(ledger.record).best
    assert winner is not None
    attempt = folder.tune / "attempt-1"
    write_checkpoint(attempt / winner.folder / "checkpoint_000003", fake.EPOCHS)
    folder.mark_outdated()
    monkeypatch.setattr(write_report, "write", lambda *given: [tmp_path / "report.md"])
    with monkeypatch.context() as full_disk:
        full_disk.setattr(saved, "save", refuse)
        assert end(plan, ledger) == STOPPED
    assert folder.is_outdated()
    monkeypatch.setattr(saved, "save", lambda *given: None)
    monkeypatch.setattr(saved, "pixels", lambda folder: RGB)
    assert end(plan, ledger) == 0
    assert not folder.is_outdated()
    assert closed == [([], None), ([tmp_path / "report.md"], folder.model)]


def test_networks_whose_checkpoints_are_gone_are_not_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: list[tuple[object, ...]]
) -> None:
    """This is so once the study whose trials were reused has been deleted."""
    plan, chosen_from = fake.plan(tmp_path), list[list[TrialRecord]]()

    def choose(folder: object, results: object, trials: Sequence[TrialRecord]) -> Chosen:
        chosen_from.append(list(trials))
        return Chosen(trials, [])

    monkeypatch.setattr(write_report, "write", lambda *given: [])
    monkeypatch.setattr(
        gallery,
        "choose",
        choose,
    )
    assert end(plan, fake.ended_study(plan)) == 0
    assert chosen_from == [[]]


def test_a_fault_in_the_gallery_of_an_ended_study_is_no_success(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    closed: list[tuple[object, ...]],
) -> None:
    """The study has ended and its report is written, but the report lacks what was asked for."""

    def refuse(*given: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    plan = fake.plan(tmp_path)
    monkeypatch.setattr(gallery, "choose", refuse)
    monkeypatch.setattr(write_report, "write", lambda *given: [])
    assert end(plan, fake.ended_study(plan)) == STOPPED
    assert "stopped: ZeroDivisionError: a fault of ours" in capsys.readouterr().err
    assert len(closed) == 1
