"""Nothing runs twice: a grid reuses runs of the storage's other studies that have its content."""

from dataclasses import replace
from pathlib import Path

from study.ledger.design import Search
from study.ledger.events import Finished, Started
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.runs import grid_runs
from study.search import reuse
from tests.study import fake, fake_grid
from trainables.config import from_flat, identity

DIGEST = "d" * 16


def run_to_end(plan: Plan, tested: bool = True) -> Ledger:
    """As ``fake_grid.ended_study``, with trials named by their content."""
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        name = identity(from_flat(run.config), DIGEST)
        ledger.append(
            Started(
                trial=run.number,
                id=name,
                params=run.params,
                config=run.config,
                cell=run.cell,
                seed=run.seed,
            )
        )
        fake_grid.epochs(ledger, run)
        ledger.append(Finished(trial=run.number, state="complete"))
    if tested:
        fake_grid.measure_all(ledger)
    return ledger


def more_seeds(plan: Plan) -> Plan:
    design = replace(plan.ablation, seeds=tuple(range(8)))
    return replace(plan, study="more", design=design)


def test_more_seeds_cost_only_the_new_ones(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    first = run_to_end(plan).record
    more = more_seeds(plan)
    ledger = fake.begin(more)
    found = reuse.reusable_runs(more, DIGEST, ledger.record)
    assert {(run.cell, run.seed) for run, _ in found} == {
        (cell, seed) for cell in ("plain", "good") for seed in range(6)
    }
    for run, done in found:
        reuse.reuse_trial(ledger, run, done)
    record = Ledger(StudyFolder.of(more).ledger).record
    assert len(record.trials) == 12
    for trial in record.trials.values():
        assert trial.reused is not None
        source = first.trials[trial.reused.trial]
        assert trial.reused.study == "fake"
        assert (trial.id, trial.cell, trial.seed) == (source.id, source.cell, source.seed)
        assert (trial.metrics, trial.tested, trial.state) == (
            source.metrics,
            source.tested,
            "complete",
        )
        kept = [each.iterations for each in trial.epochs.values()]
        assert None not in kept
        assert kept == [each.iterations for each in source.epochs.values()]
    assert reuse.reusable_runs(more, DIGEST, record) == []


def test_other_content_other_data_and_fresh_reuse_nothing(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    run_to_end(plan)
    more = more_seeds(plan)
    nothing = StudyRecord()
    assert reuse.reusable_runs(more, "e" * 16, nothing) == []
    assert reuse.reusable_runs(replace(more, fresh=True), DIGEST, nothing) == []
    longer = replace(more, base=more.resolve({"epochs": 9}))
    assert reuse.reusable_runs(longer, DIGEST, nothing) == []
    search = replace(more, design=Search(trials=8))  # its draws are reused one by one
    assert reuse.reusable_runs(search, DIGEST, nothing) == []


def test_a_tested_trial_is_preferred_and_a_damaged_ledger_is_left_out(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    run_to_end(replace(plan, study="a"), tested=False)
    run_to_end(replace(plan, study="b"))
    damaged = StudyFolder(tmp_path / "c")
    damaged.path.mkdir()
    damaged.ledger.write_text("no ledger\n")
    found = reuse.reusable_runs(more_seeds(plan), DIGEST, StudyRecord())
    assert {done.study for _, done in found} == {"b"}
