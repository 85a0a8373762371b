"""The search knows what the ledger knows, and goes on as if it had never been cut off."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from ray.tune.search import Searcher

from study.analysis.results import results_of
from study.execution.schedulers import make_scheduler
from study.ledger.events import Finished, Started
from study.ledger.ledger import Ledger
from study.ledger.trial_record import InterruptedTrial
from study.search.optuna_search import LedgerSearch
from study.search.optuna_study import optuna_study
from tests.study import fake
from trainables.lane.failures import is_result


def search(ledger: Ledger, waiting: list[InterruptedTrial] | None = None) -> LedgerSearch:
    return LedgerSearch(ledger.record, fake.SPACE, waiting or [], lambda params: dict(params))


def drive(ledger: Ledger, of: Any, end_after: int | None = None) -> list[dict[str, Any]]:
    """Ask and tell one trial after the other, as Tune would with one lane."""
    asked: list[dict[str, Any]] = []
    run = search(ledger)
    while (config := run.suggest(f"t{len(asked)}")) != Searcher.FINISHED:
        assert config is not None
        number = config["number"]
        asked.append(config)
        ledger.append(Started(trial=number, id="x", params=config["params"], config={"epochs": 1}))
        fake.epoch(ledger, ledger.record.trials[number], fake.EPOCHS)
        result = {"miou": fake.miou(config["params"], fake.EPOCHS), "training_iteration": 1}
        run.on_trial_result(f"t{len(asked) - 1}", result)
        run.on_trial_complete(f"t{len(asked) - 1}", result)
        ledger.append(Finished(trial=number, state="complete"))
        if len(asked) == end_after:
            break
    return asked


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp", "cmaes"])
def test_a_search_that_was_cut_off_draws_what_an_uninterrupted_one_draws(
    tmp_path: Path, sampler: str
) -> None:
    whole_plan = fake.plan(tmp_path / "whole", sampler=sampler)
    cut_plan = fake.plan(tmp_path / "cut", sampler=sampler)
    whole = drive(fake.begin(whole_plan), whole_plan)
    cut = drive(fake.begin(cut_plan), cut_plan, end_after=4)
    cut += drive(Ledger(cut_plan.folder / "ledger.jsonl"), cut_plan)
    assert [config["number"] for config in cut] == list(range(8))
    if sampler == "cmaes":  # its covariance lives in Optuna's own storage and starts again
        assert cut[:4] == whole[:4]
    else:
        assert cut == whole


def test_seeds_and_numbers_draw_different_trials(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    drawn = [str(fake.params_of(plan, number)) for number in range(4)]
    assert len(set(drawn)) == 4
    other = fake.plan(tmp_path, seed=1)
    assert fake.params_of(other, 0) != fake.params_of(plan, 0)


def test_a_trial_that_was_cut_off_comes_first_with_its_number_and_checkpoint(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    trial = fake.start(ledger, plan, 1)
    fake.epoch(ledger, trial, 1)
    run = search(ledger, [InterruptedTrial(1, trial.params, "/a/checkpoint")])
    first, second = run.suggest("a"), run.suggest("b")
    assert first is not None
    assert second is not None
    assert (first["number"], first["resume_from"]) == (1, "/a/checkpoint")
    assert first["params"] == trial.params
    assert (second["number"], second["resume_from"]) == (2, "")
    run.on_trial_result("a", {"miou": 0.5, "training_iteration": 2})
    run.on_trial_complete("a", {"miou": 0.7})
    told = run._study.trials
    assert [(t.number, t.state, t.value) for t in told[:2]] == [
        (0, optuna.trial.TrialState.COMPLETE, ledger.record.trials[0].value("miou")),
        (1, optuna.trial.TrialState.COMPLETE, 0.7),
    ]


@pytest.mark.parametrize("kind", ["diverged", "memory", "ValueError", "lane"])
@pytest.mark.parametrize("continued", [False, True])
def test_a_failed_trial_is_told_as_no_number_and_as_bad_where_its_config_is_why(
    tmp_path: Path, kind: str, continued: bool
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    waiting = []
    if continued:
        waiting = [InterruptedTrial(0, fake.start(ledger, plan, 0).params, "")]
    run = search(ledger, waiting)
    run.suggest("a")
    result = {"failure/kind": kind}
    run.on_trial_result("a", result)
    run.on_trial_complete("a", result)
    state = optuna.trial.TrialState.PRUNED if is_result(kind) else optuna.trial.TrialState.FAIL
    assert [(trial.state, trial.value) for trial in run._study.trials] == [(state, None)]


def test_a_sampler_keeps_away_from_what_ran_out_of_memory(tmp_path: Path) -> None:
    """Large beta never fits: told so, TPE draws it less often than if it were told nothing."""

    def large(kind: str) -> int:
        plan = fake.plan(tmp_path / kind, sampler="tpe", trials=30)
        ledger = fake.begin(plan)
        run, drawn = search(ledger), []
        for number in range(plan.trials):
            config = run.suggest(f"t{number}")
            assert config is not None
            beta = config["params"]["loss/beta"]
            drawn.append(beta > 0.3)
            result = {"failure/kind": kind} if beta > 0.3 else {"miou": 0.5, "epoch": 1}
            run.on_trial_complete(f"t{number}", result)
        return sum(drawn[15:])

    assert large("memory") < large("lane")


def test_the_search_ends_with_the_plan_s_trials(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=2)
    run = search(fake.begin(plan))
    found = [run.suggest(name) for name in "abc"]
    assert [one == Searcher.FINISHED for one in found] == [False, False, True]


def test_the_ledger_as_an_optuna_study_keeps_states_values_and_numbers(tmp_path: Path) -> None:
    record = fake.whole(fake.plan(tmp_path)).record
    study = optuna_study(record, fake.SPACE)
    assert [trial.number for trial in study.trials] == list(range(8))
    assert study.best_trial.number == (results_of(record).best or pytest.fail("no best")).number
    assert study.trials[7].state == optuna.trial.TrialState.PRUNED  # it diverged
    assert study.trials[6].intermediate_values == {1: record.trials[6].value("miou")}


def test_asha_remembers_what_earlier_attempts_reported(tmp_path: Path) -> None:
    """After eight good trials a bad ninth is stopped at the first rung; alone it would go on."""
    plan = fake.plan(tmp_path, scheduler="asha")
    bad = {"epoch": 1, "miou": 0.0}

    def decide(ledger: Ledger) -> str:
        asha = make_scheduler(ledger.record)
        trial: Any = type("T", (), {"trial_id": "new"})()
        asha.on_trial_add(None, trial)
        return str(asha.on_trial_result(None, trial, bad))

    fresh = fake.begin(plan)
    assert decide(fresh) == "CONTINUE"
    for number in range(6):
        fake.complete(fresh, plan, number)
    assert decide(Ledger(fresh.path)) == "STOP"
