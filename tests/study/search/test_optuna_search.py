"""The search knows what the ledger knows, and continues as if it had never been interrupted."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from study.analysis.results import results_of
from study.execution.schedulers import make_scheduler
from study.ledger.events import Finished, Started
from study.ledger.ledger import Ledger
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.search.optuna_search import LedgerSearch
from study.search.optuna_study import optuna_study
from study.search.planned_search import Result
from tests.study import fake
from tests.study.search.next_trial import first_trial, next_trial
from trainables.lane.failures import is_result
from trainables.lane.trial_spec import TrialSpec


def search(ledger: Ledger, interrupted: list[InterruptedTrial] | None = None) -> LedgerSearch:
    return LedgerSearch(ledger.record, fake.SPACE, interrupted or [], lambda params: dict(params))


def drive(ledger: Ledger, end_after: int | None = None) -> list[TrialSpec]:
    """Run one trial after the other, as Tune would with one lane."""
    specs: list[TrialSpec] = []
    run = search(ledger)
    while spec := next_trial(run, f"t{len(specs)}"):
        number = spec.number
        specs.append(spec)
        ledger.append(Started(trial=number, id="x", params=spec.params, config={"epochs": 1}))
        fake.epoch(ledger, ledger.record.trials[number], fake.EPOCHS)
        value = fake.miou(spec.params, fake.EPOCHS)
        result: Result = {"miou": value, "training_iteration": 1}
        run.on_trial_result(f"t{len(specs) - 1}", result)
        run.on_trial_complete(f"t{len(specs) - 1}", result)
        ledger.append(Finished(trial=number, state="complete"))
        if len(specs) == end_after:
            break
    return specs


@pytest.mark.parametrize(
    "sampler", ["random", "tpe", pytest.param("gp", marks=pytest.mark.slow), "cmaes"]
)
def test_an_interrupted_search_draws_what_an_uninterrupted_one_draws(
    tmp_path: Path, sampler: str
) -> None:
    plan = fake.plan(tmp_path / "uninterrupted", sampler=sampler)
    cut_plan = fake.plan(tmp_path / "cut", sampler=sampler)
    uninterrupted = drive(fake.begin(plan))
    cut = drive(fake.begin(cut_plan), end_after=4)
    cut += drive(Ledger(StudyFolder.of(cut_plan).ledger))
    assert [spec.number for spec in cut] == list(range(8))
    if sampler == "cmaes":  # its covariance lives in Optuna's own storage and starts again
        assert cut[:4] == uninterrupted[:4]
    else:
        assert cut == uninterrupted


def test_seeds_and_numbers_draw_different_trials(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    drawn = [str(fake.params_of(plan, number)) for number in range(4)]
    assert len(set(drawn)) == 4
    other = fake.plan(tmp_path, seed=1)
    assert fake.params_of(other, 0) != fake.params_of(plan, 0)


def test_an_interrupted_trial_comes_first_with_its_number_and_checkpoint(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    trial = fake.start(ledger, plan, 1)
    fake.epoch(ledger, trial, 1)
    run = search(ledger, [InterruptedTrial(1, trial.params, "/a/checkpoint")])
    first, second = first_trial(run, "a"), first_trial(run, "b")
    assert (first.number, first.resume_from) == (1, "/a/checkpoint")
    assert first.params == trial.params
    assert (second.number, second.resume_from) == (2, "")
    run.on_trial_result("a", {"miou": 0.5, "training_iteration": 2})
    run.on_trial_complete("a", {"miou": 0.7})
    known = run.study.trials
    assert [(t.number, t.state, t.value) for t in known[:2]] == [
        (0, optuna.trial.TrialState.COMPLETE, ledger.record.trials[0].value("miou")),
        (1, optuna.trial.TrialState.COMPLETE, 0.7),
    ]


@pytest.mark.parametrize("kind", ["diverged", "memory", "ValueError", "lane"])
@pytest.mark.parametrize("continued", [False, True])
def test_a_failed_trial_has_no_value_and_counts_as_bad_where_its_config_is_the_cause(
    tmp_path: Path, kind: str, continued: bool
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    interrupted = []
    if continued:
        interrupted = [InterruptedTrial(0, fake.start(ledger, plan, 0).params, "")]
    run = search(ledger, interrupted)
    run.suggest("a")
    result: Result = {"failure/kind": kind}
    run.on_trial_result("a", result)
    run.on_trial_complete("a", result)
    state = optuna.trial.TrialState.PRUNED if is_result(kind) else optuna.trial.TrialState.FAIL
    assert [(trial.state, trial.value) for trial in run.study.trials] == [(state, None)]


def test_a_sampler_keeps_away_from_what_ran_out_of_memory(tmp_path: Path) -> None:
    """Large beta never fits: TPE draws it less often when it knows than when it does not."""

    def large(kind: str) -> int:
        plan = fake.plan(tmp_path / kind, sampler="tpe", trials=30)
        ledger = fake.begin(plan)
        run, drawn = search(ledger), []
        for number in range(plan.trials):
            beta = float(first_trial(run, f"t{number}").params["loss/beta"])
            drawn.append(beta > 0.3)
            result: Result = {"failure/kind": kind} if beta > 0.3 else {"miou": 0.5, "epoch": 1}
            run.on_trial_complete(f"t{number}", result)
        return sum(drawn[15:])

    assert large("memory") < large("lane")


def test_the_search_ends_with_the_plan_s_trials(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=2)
    run = search(fake.begin(plan))
    found = [next_trial(run, name) for name in "abc"]
    assert [spec is None for spec in found] == [False, False, True]


def test_the_ledger_as_an_optuna_study_keeps_states_values_and_numbers(tmp_path: Path) -> None:
    record = fake.ended_study(fake.plan(tmp_path)).record
    study = optuna_study(record.trials, record.plan.objectives, fake.SPACE)
    assert [trial.number for trial in study.trials] == list(range(8))
    assert study.best_trial.number == (results_of(record).best or pytest.fail("no best")).number
    assert study.trials[7].state == optuna.trial.TrialState.PRUNED  # it diverged
    assert study.trials[6].intermediate_values == {1: record.trials[6].value("miou")}


def test_asha_remembers_what_earlier_attempts_reported(tmp_path: Path) -> None:
    """After eight good trials a bad ninth is stopped at the first rung; alone it would continue."""
    plan = fake.plan(tmp_path, scheduler="asha")
    bad = {"epoch": 1, "miou": 0.0}

    def decide(ledger: Ledger) -> str:
        asha = make_scheduler(ledger.record)
        trial: Any = SimpleNamespace(trial_id="new", config={"phase": ""})
        asha.on_trial_add(None, trial)
        return str(asha.on_trial_result(None, trial, bad))

    fresh = fake.begin(plan)
    assert decide(fresh) == "CONTINUE"
    for number in range(6):
        fake.complete(fresh, plan, number)
    assert decide(Ledger(fresh.path)) == "STOP"
