"""A study of several tasks without training: figures by cell and seed, worked out by hand."""

from pathlib import Path

from search_spaces import GRIDS
from study.ledger.design import Ablation
from study.ledger.events import Ended, EpochEnded, Finished, Tested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.planning.runs import grid_runs
from tests.study import fake, fake_grid
from trainables.config import TrialConfig, Value
from trainables.lane.trial_spec import TrialSpec
from trainables.metrics.catalog import OF_TASK

GRID = GRIDS["inverseform"]["tasks"]
BASE: dict[str, Value] = {"epochs": fake.EPOCHS, "data/targets": "edge,depth,normals"}
ALONE = {"miou": 0.5, "ods_f": 0.4, "depth_rmse": 2.0, "normals_mean_angle": 32.0}
"""Of a network of this task alone."""
FACTOR = {"S+E": 1.0, "S+E, InverseForm": 1.125, "S+E+D+N": 1.0, "S+E+D+N, InverseForm": 1.25}
"""Of every metric of a cell of several tasks, beside that of the network of one task."""


def plan(storage: Path, seeds: tuple[int, ...] = fake_grid.SEEDS, **changes: object) -> Plan:
    options: dict[str, object] = {
        "space": "inverseform",
        "design": Ablation(grid=GRID, seeds=seeds),
        "base": TrialConfig().changed(BASE),
        **changes,
    }
    return fake.plan(storage, **options)


def figures(cell: str, tasks: str, seed: int) -> dict[str, float]:
    """A seed's luck, 1/64 of each value, is the same for every cell."""
    luck, factor = 1 + seed / 64, FACTOR.get(cell, 1.0)
    names = [OF_TASK[task] for task in OF_TASK if task in tasks.split(",")]
    return {name: ALONE[name] * luck * factor for name in names}


def append_epoch(ledger: Ledger, run: TrialSpec, done: int, metrics: dict[str, float]) -> None:
    ledger.append(
        EpochEnded(
            trial=run.number,
            epoch=done,
            metrics=metrics,
            seconds=0.5,
            lane="lane-0",
            train_s=0.4,
            evaluate_s=0.1,
        )
    )


def ended(study_plan: Plan) -> Ledger:
    """An ended study: every cell is complete and tested on every seed."""
    ledger = fake.begin(study_plan)
    for run in grid_runs(study_plan):
        fake_grid.start(ledger, run)
        metrics = figures(run.cell, str(run.params["task/tasks"]), run.seed)
        for epoch in range(1, fake.EPOCHS + 1):
            append_epoch(ledger, run, epoch, metrics)
        ledger.append(Finished(trial=run.number, state="complete"))
        tested = {f"test_{name}": value for name, value in metrics.items()}
        ledger.append(Tested(trial=run.number, metrics=tested))
    ledger.append(Ended())
    return ledger
