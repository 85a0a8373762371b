"""``eval/checkpoint=best``: the best epoch on the validation list stands for a trial everywhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.analysis.measured_epoch import after
from study.analysis.protocol import protocol
from study.analysis.tables import metric_tables
from study.execution.checkpoints import CheckpointRemover
from study.ledger.events import EpochEnded, Finished, Started
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.disk import disk_need
from study.planning.runs import grid_runs
from study.search import reuse
from study.search.optuna_search import LedgerSearch
from tests.study import fake, fake_grid
from tests.study.search.next_trial import first_trial
from tests.study.search.test_reuse_in_grids import DIGEST, more_seeds, run_to_end
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables.config import TrialConfig

CURVE = (0.25, 0.75, 0.75, 0.5)


def best(plan: Plan, mode: str = "best") -> Plan:
    return replace(plan, base={**plan.base, "eval/checkpoint": mode})


def run(ledger: Ledger, plan: Plan, curve: tuple[float, ...] = CURVE) -> None:
    """Trial 0, with these values of the objective by epoch and a second one that runs against it;
    each epoch leaves its checkpoint."""
    trial = fake.start(ledger, plan, 0)
    for number, value in enumerate(curve, start=1):
        folder = StudyFolder.of(plan).tune / "attempt-1" / trial.folder
        write_checkpoint(folder / f"checkpoint_{number:06d}", number)
        metrics = {"miou": value, "dice": 1 - value}
        ended = EpochEnded(trial=0, epoch=number, metrics=metrics, lane="lane", seconds=1.0)
        ledger.append(ended)


@pytest.mark.parametrize(
    ("mode", "objectives", "epoch"),
    [
        ("best", {"miou": "max"}, 2),
        ("best", {"dice": "min"}, 2),
        ("best", {"dice": "max"}, 1),
        ("best", {"dice": "max", "miou": "max"}, 1),
        ("last", {"miou": "max"}, 4),
    ],
)
def test_metrics_and_network_are_those_of_the_chosen_epoch(
    tmp_path: Path, mode: str, objectives: dict[str, str], epoch: int
) -> None:
    plan = best(fake.plan(tmp_path, objectives=objectives), mode)
    ledger = fake.begin(plan)
    ledger.listeners.append(CheckpointRemover(StudyFolder.of(plan), ledger.record))
    run(ledger, plan)
    ledger.append(Finished(trial=0, state="complete"))
    again = Ledger(ledger.path).record.trials[0]
    assert again.measured_epoch == epoch
    assert again.metrics == {"miou": CURVE[epoch - 1], "dice": 1 - CURVE[epoch - 1]}
    assert again.last_epoch == 4
    assert again.has_all_epochs
    folder = StudyFolder.of(plan)
    assert folder.measured_checkpoint(again).state() == f"state after epoch {epoch}".encode()
    (left,) = folder.tune.glob("*/*/checkpoint_*")
    assert int(left.name[-6:]) == epoch, "one checkpoint stays"


def test_an_older_ledger_has_the_last_epoch(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    old = {path: value for path, value in plan.base.items() if not path.startswith("eval/")}
    ledger = fake.begin(replace(plan, base=old))
    ledger.append(Started(trial=0, id="x", params={}, config=old))
    for number, value in enumerate(CURVE, start=1):
        metrics = {"miou": value}
        ledger.append(EpochEnded(trial=0, epoch=number, metrics=metrics, lane="lane", seconds=1.0))
    assert ledger.record.trials[0].metrics == {"miou": CURVE[-1]}
    assert after(ledger.record.plan) == "after the last epoch"


@pytest.mark.parametrize("resumed", [False, True])
def test_the_sampler_learns_the_chosen_epoch_resumed_or_not(tmp_path: Path, resumed: bool) -> None:
    plan = best(fake.plan(tmp_path))
    ledger = fake.begin(plan)
    search = LedgerSearch(ledger.record, fake.SPACE, [], lambda params: dict(params))
    first_trial(search, "a")
    run(ledger, plan)
    search.on_trial_complete("a", {"miou": CURVE[-1], "training_iteration": 4})
    ledger.append(Finished(trial=0, state="complete"))
    if resumed:
        record = Ledger(ledger.path).record
        search = LedgerSearch(record, fake.SPACE, [], lambda params: dict(params))
    assert search.study.trials[0].value == max(CURVE)


@pytest.mark.parametrize("objective", ["miou", "dice"])
def test_a_trial_chosen_by_another_objective_is_not_reused(tmp_path: Path, objective: str) -> None:
    earlier = best(fake_grid.plan(tmp_path))
    run_to_end(earlier)
    later = replace(more_seeds(earlier), objectives={objective: "max"})
    found = reuse.reusable_runs(later, DIGEST, StudyRecord())
    assert len(found) == (12 if objective == "miou" else 0)


def test_plan_and_table_say_which_network_is_measured(tmp_path: Path) -> None:
    plan = best(fake_grid.plan(tmp_path))
    record = fake_grid.ended_study(plan).record
    (first, *_) = metric_tables(record)
    words = "after the epoch that is best in miou on the validation list"
    assert words in protocol(record, first)
    assert "flatter" not in protocol(record, first)
    assert "flatter" in protocol(record, replace(first, split="val"))


def test_cells_that_differ_in_it_are_not_said_to_be_alike(tmp_path: Path) -> None:
    cells = tuple(
        replace(cell, changes={**cell.changes, "eval/checkpoint": mode})
        for cell, mode in zip(fake_grid.GRID.cells[:2], ("last", "best"), strict=True)
    )
    plan = fake_grid.plan(tmp_path, grid=replace(fake_grid.GRID, cells=cells))
    assert after(plan) == "after the epoch that each cell's eval/checkpoint says"
    modes = {run.cell: run.config["eval/checkpoint"] for run in grid_runs(plan)}
    assert modes == {"plain": "last", "good": "best"}


def test_the_best_checkpoint_counts_as_disk(tmp_path: Path) -> None:
    base = TrialConfig().changed({"eval/checkpoint": "best"})
    last = disk_need(fake.plan(tmp_path, base=TrialConfig()), fake.SPACE, 6, left=8)
    more = disk_need(fake.plan(tmp_path, base=base), fake.SPACE, 6, left=8)
    assert more.most > last.most
    assert more.kept > last.kept
