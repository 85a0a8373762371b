"""A study with planned looks, driven without Ray: runs, tests, looks, until nothing is left."""

from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import Cell, Grid
from study.analysis.answer import answer
from study.analysis.confirmation import planned_trials
from study.analysis.planned_looks import is_look_due
from study.analysis.results import results_of
from study.execution.looking import next_look, unmeasured
from study.ledger.design import Ablation
from study.ledger.events import Ended, Looked, Tested, Untested
from study.ledger.fold_checks import require_foldable
from study.ledger.ledger import Ledger
from study.ledger.look import ArmLook
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import FINAL
from study.planning.comparison import comparing_runs
from study.reporting.table_files import frame
from study.reporting.terminal.event_lines import event_line
from tests.study import fake, fake_grid
from trainables.lane.trial_spec import TrialSpec

SEEDS = tuple(range(10))
GRID = Grid(
    name="looks",
    question="Is it real?",
    source="a test",
    baseline="plain",
    cells=tuple(
        Cell(name=name, changes={"loss/lovasz": weight})
        for name, weight in (("plain", 0.0), ("good", 1.0), ("level", 2.0), ("unsure", 3.0))
    ),
)
CELLS = [cell.name for cell in GRID.cells]
NOISE = (0.9, -1.1, 0.7, 1.2, -0.8, 0.6, 1.0, -0.5, 0.8, 0.4)


def value(run: TrialSpec) -> float:
    seed, luck = run.seed, 0.25 + run.seed / 32
    of_cell = {
        "plain": 0.0,
        "good": 0.1 + seed / 512,
        "level": NOISE[-seed] / 4096,
        "unsure": (0.6 + NOISE[seed]) / 512,
    }
    return luck + of_cell[run.cell]


def plan(storage: Path, smallest: float | None = None) -> Plan:
    design = Ablation(grid=GRID, seeds=SEEDS, looks=(6, 8, 10))
    return fake_grid.plan(storage, grid=GRID, design=design, smallest=smallest, correction="max_t")


def run_block(ledger: Ledger, most: int = 1000) -> None:
    """Run and test what does not depend on the next look, at most so many trials."""
    record = ledger.record
    left = [run for run in comparing_runs(record.plan, record) if run.number not in record.trials]
    for run in left[:most]:
        fake_grid.complete(ledger, run)
        ledger.append(Tested(trial=run.number, metrics={"test_miou": value(run)}))


def finish(ledger: Ledger) -> StudyRecord:
    """As ``Execution.run`` does."""
    record = ledger.record
    while True:
        run_block(ledger)
        if not is_look_due(record.plan, record):
            break
        ledger.append(next_look(record))
    assert len(record.in_state(*FINAL)) == planned_trials(record, record.plan)
    ledger.append(Ended())
    return record


def test_decided_cells_run_no_further_seed(tmp_path: Path) -> None:
    record = finish(fake.begin(plan(tmp_path, smallest=0.002)))
    runs = {cell: sum(t.cell == cell for t in record.trials.values()) for cell in CELLS}
    assert [look.seeds for look in record.looks] == [6, 8, 10]
    assert runs == {"plain": 10, "good": 6, "level": 6, "unsure": 10}
    states = {name: arm.state for name, arm in record.looks[-1].arms.items()}
    assert states == {"good": "better", "level": "same", "unsure": "open"}


def test_the_study_ends_at_the_look_that_decides_the_last_cell(tmp_path: Path) -> None:
    grid = replace(GRID, cells=GRID.cells[:2])
    design = Ablation(grid=grid, seeds=SEEDS, looks=(6, 10))
    ledger = fake.begin(fake_grid.plan(tmp_path, grid=grid, design=design, correction="max_t"))
    record = finish(ledger)
    assert len(record.trials) == planned_trials(record, record.plan) == 12


@pytest.mark.parametrize(
    "killed_after", [1, 24, *(pytest.param(n, marks=pytest.mark.slow) for n in (11, 23, 25, 30))]
)
def test_a_killed_study_has_the_looks_of_an_uninterrupted_one(
    tmp_path: Path, killed_after: int
) -> None:
    whole = finish(fake.begin(plan(tmp_path / "whole", smallest=0.002)))
    study = plan(tmp_path / "killed", smallest=0.002)
    ledger = fake.begin(study)
    run_block(ledger, killed_after)
    if is_look_due(study, ledger.record):
        ledger.append(next_look(ledger.record))
        run_block(ledger, killed_after - 24)
    path = ledger.path
    ledger.close()
    resumed = finish(Ledger(path))
    assert [(look.seeds, look.arms) for look in resumed.looks] == [
        (look.seeds, look.arms) for look in whole.looks
    ]
    assert resumed.trials.keys() == whole.trials.keys()


def test_a_look_that_its_trials_contradict_stops_the_study(tmp_path: Path) -> None:
    ledger = fake.begin(plan(tmp_path))
    run_block(ledger)
    found = next_look(ledger.record)
    wrong = {**found.arms, "level": found.arms["good"]}
    ledger.append(Looked(seeds=6, arms=wrong))
    run_block(ledger)
    with pytest.raises(ValueError, match=r"the look after 6 seeds .* something else"):
        next_look(ledger.record)


def test_a_run_that_a_look_found_untested_stays_untested(tmp_path: Path) -> None:
    ledger = fake.begin(plan(tmp_path))
    record = ledger.record
    for run in comparing_runs(record.plan, record):
        fake_grid.complete(ledger, run)
        measured = Tested(trial=run.number, metrics={"test_miou": value(run)})
        gone = Untested(trial=run.number, reason="state.pt: gone")
        ledger.append(gone if run.number == 5 else measured)
    assert [trial.number for trial in unmeasured(record)] == [5]
    ledger.append(next_look(record))
    assert unmeasured(record) == []


def test_nothing_is_decided_before_a_look(tmp_path: Path) -> None:
    """Six pairs of one sign would be significant; a study with looks says so at its look only."""
    ledger = fake.begin(plan(tmp_path))
    run_block(ledger)
    said = answer(results_of(ledger.record))
    assert said.startswith("Undecided: the next look comes after 6 seeds; good led by +10.")


def test_tables_and_answer_say_when_a_cell_was_decided(tmp_path: Path) -> None:
    record = finish(fake.begin(plan(tmp_path, smallest=0.002)))
    results = results_of(record)
    rows = frame(results).set_index("cell")  # type: ignore[arg-type]
    first = rows[rows["metric"] == "miou"]
    assert dict(first["verdict"]) == {
        "plain": "baseline",
        "good": "better",
        "level": "same",
        "unsure": "undecided",
    }
    assert dict(first["look_seeds"].dropna()) == {"good": 6, "level": 6, "unsure": 10}
    assert dict(first["unfinished"]) == dict.fromkeys(CELLS, 0)
    said = answer(results)
    assert said.startswith("Better: good +10.")
    assert said.endswith("against plain, 6 seeds; 1 same, 1 undecided.")
    line = event_line(record.looks[0], record)
    assert line == "look after 6 seeds: better good; same level; 1 open"


@pytest.mark.parametrize(
    ("seeds", "arms", "message"),
    [
        (8, ["good", "level", "unsure"], "seeds must be those of the next planned look"),
        (6, ["good"], "arms must be the plan's compared cells"),
    ],
)
def test_a_look_that_was_not_planned_is_damage(
    tmp_path: Path, seeds: int, arms: list[str], message: str
) -> None:
    ledger = fake.begin(plan(tmp_path))
    found = {name: ArmLook(state="open", seeds=seeds, p=0.5) for name in arms}
    with pytest.raises(ValueError, match=message):
        require_foldable(Looked(seeds=seeds, arms=found, time=1.0), ledger.record)
