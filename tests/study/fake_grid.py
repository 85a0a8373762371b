"""A grid study without training: six seeds, effects in binary fractions so that sums are exact."""

from pathlib import Path

from search_spaces import Cell, Grid, Setup
from study.analysis.results import AblationResults
from study.ledger.design import Ablation
from study.ledger.events import Ended, EpochEnded, Finished, Started, Tested, TrialFailed
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.prior_trials import Replayed
from study.planning.runs import grid_runs
from tests.study import fake
from trainables.config import TrialConfig
from trainables.lane.trial_spec import TrialSpec
from trainables.training.iterations import Iterations

PAPER = "Net, Data val"
GRID = Grid(
    name="pair",
    question="Is it real?",
    source="a paper, Table 1",
    baseline="plain",
    cells=(
        Cell(name="plain", changes={}, published={PAPER: {"miou": 0.641}}),
        Cell(name="good", changes={"loss/lovasz": 1.0}, published={PAPER: {"miou": 0.666}}),
        Cell(name="far", changes={"loss/ar": 0.1}, needs="a network that does not exist"),
    ),
    setups=(Setup(name=PAPER, network="Net", dataset="Data", images="val"),),
)
SEEDS = (0, 1, 2, 3, 4, 5)
EFFECT = {"plain": 0.0, "good": 0.03125, "winner": 0.03125, "bad": -0.0625, "same": 0.0}


def plan(
    storage: Path,
    grid: Grid = GRID,
    seeds: tuple[int, ...] = SEEDS,
    replayed: Replayed | None = None,
    **changes: object,
) -> Plan:
    options: dict[str, object] = {
        "space": "all_losses",
        "question": grid.question,
        "design": Ablation(grid=grid, seeds=seeds, replayed=replayed),
        "base": TrialConfig().changed({"epochs": fake.EPOCHS}),
        **changes,
    }
    return fake.plan(storage, **options)


def score(run: TrialSpec, epoch: int = fake.EPOCHS) -> float:
    """A seed's luck is the same for every cell; the cell adds its effect."""
    return 0.25 + run.seed / 32 + EFFECT.get(run.cell, 0.0) + epoch / 64


def start(ledger: Ledger, run: TrialSpec) -> None:
    ledger.append(
        Started(
            trial=run.number,
            id=f"{run.number:012x}",
            params=run.params,
            config=run.config,
            cell=run.cell,
            seed=run.seed,
            phase=run.phase,
        )
    )


def epochs(ledger: Ledger, run: TrialSpec, last: int = fake.EPOCHS) -> None:
    for done in range(1, last + 1):
        metrics = {"miou": score(run, done), "pixel_accuracy": 0.5}
        ledger.append(
            EpochEnded(
                trial=run.number,
                epoch=done,
                metrics=metrics,
                seconds=0.5,
                lane=f"lane-{run.number % 2}",
                train_s=0.4,
                evaluate_s=0.1,
                iterations=Iterations(at=[2 * done], terms={"loss": [1 - score(run, done)]}),
            )
        )


def complete(ledger: Ledger, run: TrialSpec) -> None:
    start(ledger, run)
    epochs(ledger, run)
    ledger.append(Finished(trial=run.number, state="complete"))


def measure_all(ledger: Ledger) -> None:
    """Test every complete trial: its test mIoU is 1/8 above validation."""
    for trial in ledger.record.in_state("complete"):
        value = trial.value("miou")
        assert value is not None
        ledger.append(Tested(trial=trial.number, metrics={"test_miou": value + 0.125}))


def fail(ledger: Ledger, run: TrialSpec, kind: str) -> None:
    start(ledger, run)
    epochs(ledger, run, 1)
    ledger.append(TrialFailed(trial=run.number, kind=kind, message="it went wrong", traceback=""))


def ended_study(study_plan: Plan) -> Ledger:
    """An ended study: every cell that can run is complete and tested on every seed."""
    ledger = fake.begin(study_plan)
    for run in grid_runs(study_plan):
        complete(ledger, run)
    measure_all(ledger)
    ledger.append(Ended())
    return ledger


def results(ledger: Ledger) -> AblationResults:
    return AblationResults(ledger.record)
