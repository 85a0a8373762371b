"""Runs a grid without Tune: its searcher, its ledger writer and its checkpoint remover are real."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.tune.search import Searcher

from search_spaces import Cell, Grid
from study.execution.callbacks.ledger_writer import LedgerWriter
from study.execution.checkpoints import CheckpointRemover
from study.execution.interrupted import continue_after, interrupted_trials
from study.execution.phases import reuse_runs
from study.execution.stopping import Faults, Policy, Stop
from study.ledger.events import Resumed
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.reporting.document import Section, Sheet
from study.search.beginnings import Beginnings
from study.search.grid_search import GridSearch
from tests.study import fake, fake_grid
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables.config import TrialConfig, Value
from trainables.lane.failures import Failure
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, FailedTrial, to_tune
from trainables.training import checkpoint, retention

Train = Callable[[TrialSpec], Iterator[EpochReport | FailedTrial]]
SMALL: dict[str, Value] = {"epochs": 5, "model/width": 4}
LATE = Cell(name="late", changes={"loss/w_a": 1.0, "loss/schedule": "w_a from 0.8"})
STRONG = Cell(name="strong", changes={"loss/w_a": 2.0, "loss/schedule": "w_a from 0.8"})
SOON = Cell(name="soon", changes={"loss/w_a": 1.0, "loss/schedule": "w_a from 0.4"})
PLAIN = Cell(name="plain", changes={})


def plan(storage: Path, *cells: Cell, seeds: tuple[int, ...] = (0,), **changes: Any) -> Plan:
    """``plain`` and these cells, sharing epochs."""
    grid = Grid(
        name="late", question="Late?", source="a test", baseline="plain", cells=(PLAIN, *cells)
    )
    options: dict[str, Any] = {"sharing": True, "base": TrialConfig().changed(SMALL), **changes}
    return fake_grid.plan(storage, grid, seeds, **options)


class Killed(Exception):
    """The driver, as by kill -9."""


class Driver:
    """An attempt at a study."""

    def __init__(self, study_plan: Plan, train: Train | None = None) -> None:
        self.plan, self.folder = study_plan, StudyFolder.of(study_plan)
        interrupted: list[InterruptedTrial] = []
        if self.folder.ledger.exists():
            self.ledger = Ledger(self.folder.ledger)
            interrupted = interrupted_trials(self.ledger, self.folder)
            self.ledger.append(Resumed(continue_after=continue_after(interrupted)))
        else:
            self.ledger = fake.begin(study_plan)
        self.attempt = self.folder.new_attempt()
        self.attempt.mkdir(parents=True)
        self.remover = CheckpointRemover(self.folder, self.ledger.record)
        self.ledger.listeners.append(self.remover)
        reuse_runs(study_plan, self.ledger)
        self.search = GridSearch(
            self.ledger.record, Beginnings(study_plan, self.ledger), interrupted
        )
        self.writer = LedgerWriter(self.ledger, Faults(Policy(), Stop()))
        self.train = train or self.pretend
        self.began: dict[int, TrialSpec] = {}
        self.ran: list[tuple[int, int]] = []
        """Trial and epoch, of every epoch that was trained here."""
        self.fails: dict[int, int] = {}
        """The epoch in which a trial fails."""
        self.killed_after = 10**9
        """How many epochs are trained before the driver is killed."""

    def suggest(self, name: str) -> TrialSpec | None:
        """The next trial; None if the searcher has no more, an error if it waits."""
        config = self.search.suggest(name)
        if config == Searcher.FINISHED:
            return None
        assert config is not None, "waits for another trial"
        return TrialSpec.from_tune(config)

    def run(self) -> "Driver":
        """Run all trials, one after the other."""
        while self.run_next() is not None:
            pass
        return self

    def run_next(self) -> TrialSpec | None:
        """Run the next trial to its end; None if there is none."""
        name = f"t{len(self.began)}"
        if (spec := self.suggest(name)) is not None:
            self.begin(spec)
            for _ in self.steps(spec, name):
                pass
        return spec

    def begin(self, spec: TrialSpec) -> None:
        self.began[spec.number] = spec
        self.writer.on_trial_start(0, [], self._tunes(spec))

    def steps(self, spec: TrialSpec, name: str) -> Iterator[None]:
        """One epoch at a time, to the trial's end."""
        trial, result = self._tunes(spec), dict[str, object]()
        for report in self.train(spec):
            result = to_tune(report)
            self.writer.on_trial_result(0, [], trial, result)
            yield
        self.writer.on_trial_complete(0, [], trial)
        self.search.on_trial_complete(name, result)

    def _tunes(self, spec: TrialSpec) -> Any:
        return SimpleNamespace(config=spec.to_tune(), trial_id=str(spec.number), num_failures=0)

    def pretend(self, spec: TrialSpec) -> Iterator[EpochReport | FailedTrial]:
        """Epochs with checkpoints, from where the trial begins."""
        begin = checkpoint.read(Path(spec.resume_from)).epoch if spec.resume_from else 0
        folder = checkpoint.trial_folder(self.attempt, spec.number)
        for epoch in range(begin + 1, int(spec.config["epochs"]) + 1):
            if len(self.ran) == self.killed_after:
                raise Killed
            if self.fails.get(spec.number) == epoch:
                yield FailedTrial(failure=Failure("diverged", "not finite"), epoch=0, lane="lane")
                return
            write_checkpoint(checkpoint.folder_of(folder, epoch), epoch)
            retention.keep(folder, 2, None, spec.kept_epochs)
            self.ran.append((spec.number, epoch))
            yield report(epoch, {"miou": epoch / 8}, int(spec.config["epochs"]))

    def states(self) -> dict[int, list[int]]:
        """By trial, the epochs whose training state is on the disk."""
        found: dict[int, list[int]] = {}
        for path in sorted(self.folder.tune.glob("*/*/*/state.pt")):
            number, epoch = (int(name.name[-4:]) for name in (path.parents[1], path.parent))
            found.setdefault(number, []).append(epoch)
        return found


def report(epoch: int, metrics: dict[str, float], epochs: int) -> EpochReport:
    return EpochReport(
        epoch=epoch,
        metrics=metrics,
        lane="lane",
        train_s=1.0,
        evaluate_s=1.0,
        system={},
        done=epoch == epochs,
    )


def rows_of(part: object) -> list[list[str]]:
    """The table of a report's section, after its first paragraph."""
    assert isinstance(part, Section)
    sheet = part.blocks[1]
    assert isinstance(sheet, Sheet)
    return sheet.rows
