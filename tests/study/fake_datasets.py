"""Grid studies of several datasets without training, whose gains are given by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

from search_spaces import Grid
from study.ledger.events import Ended
from study.ledger.record import StudyRecord
from study.planning.runs import grid_runs
from tests.study import fake, fake_grid
from trainables.lane.trial_spec import TrialSpec

GAINS = (1 / 64, 2 / 64, 3 / 64)
"""Of ``good``, by seed: mean 1/32, standard error 1/64 over the root of 3."""


def ended(
    storage: Path,
    name: str,
    dataset: str,
    gains: Mapping[str, Sequence[float]] | None = None,
    grid: Grid = fake_grid.GRID,
    **changes: object,
) -> StudyRecord:
    """An ended and tested study; ``changes`` are of its plan.

    Args:
        gains: by cell, of each seed; others gain nothing.
    """
    by_cell = {"good": GAINS} if gains is None else gains
    seeds = tuple(range(len(next(iter(by_cell.values())))))
    plan = fake_grid.plan(storage, grid, seeds, None, study=name, **changes)
    data = replace(fake.DATA, dataset=dataset, digest=dataset.ljust(16, "0"))

    def score(run: TrialSpec, epoch: int = fake.EPOCHS) -> float:
        return 0.25 + run.seed / 32 + (by_cell[run.cell][run.seed] if run.cell in by_cell else 0)

    with mock.patch.object(fake_grid, "score", score):
        ledger = fake.begin(plan, data)
        for run in grid_runs(plan):
            fake_grid.complete(ledger, run)
        fake_grid.measure_all(ledger)
        ledger.append(Ended())
    return ledger.record
