"""Nothing runs twice: the same search again runs nothing; with another seed it runs everything."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import cloudpickle

from study.analysis.results import results_of
from study.execution.callbacks.budget import BudgetStopper
from study.execution.callbacks.ledger_writer import LedgerWriter
from study.execution.phases import make_search
from study.execution.stopping import Faults, Policy, Stop
from study.ledger import ledger
from study.ledger.events import EpochEnded, Finished, Reused, Started, TrialFailed
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.planning.budget import is_spent
from study.search.optuna_search import LedgerSearch
from study.search.reuse import DrawReuse, possible_reuse
from tests.study import fake
from tests.study.search import test_cell_search
from tests.study.search.next_trial import next_trial
from trainables.config import from_flat, identity
from trainables.lane.trial_spec import TrialSpec

DIGEST = "d" * 16


@pytest.fixture(autouse=True)
def _a_second_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count(1000)
    clock = SimpleNamespace(time=lambda: float(next(seconds)))
    monkeypatch.setattr(ledger, "time", clock)


class TwoLanes:
    """Runs two trials at once, as Tune would. Sometimes the first to start is the last to end, so
    that at a draw the sampler does not know all earlier trials."""

    def __init__(self, of: Plan, fails: int | None = None) -> None:
        self.ledger = fake.begin(of)
        self.reused: list[TrialRecord] = []
        self.search = LedgerSearch(
            self.ledger.record,
            fake.SPACE,
            [],
            of.resolve,
            DrawReuse(of, self.ledger, self.reused.append),
        )
        self.fails, self.ran = fails, 0

    def run(self) -> StudyRecord:
        names, running = count(), list[tuple[str, TrialSpec]]()
        while True:
            while len(running) < 2:
                spec = next_trial(self.search, name := f"t{next(names)}")
                if spec is None:
                    break
                self._start(spec)
                running.append((name, spec))
            if not running:
                return self.ledger.record
            self._end(*running.pop(self.ran % 3 == 0 and len(running) == 2))

    def _start(self, spec: TrialSpec) -> None:
        self.ran += 1
        self.ledger.append(
            Started(
                trial=spec.number,
                id=identity(from_flat(spec.config), DIGEST),
                params=spec.params,
                config=spec.config,
                generation=spec.generation,
            )
        )

    def _end(self, name: str, spec: TrialSpec) -> None:
        number, value = spec.number, fake.miou(spec.params, fake.EPOCHS)
        if number == self.fails:
            self.ledger.append(TrialFailed(trial=number, kind="lane", message="", traceback=""))
            self.search.on_trial_complete(name, {"failure": {"kind": "lane"}})
            return
        self.ledger.append(
            EpochEnded(
                trial=number, epoch=fake.EPOCHS, metrics={"miou": value}, seconds=1.0, lane="a"
            )
        )
        self.search.on_trial_complete(name, {"miou": value, "training_iteration": 1})
        self.ledger.append(Finished(trial=number, state="complete"))


def plan(storage: Path, study: str, **changes: Any) -> Plan:
    return fake.plan(storage, study=study, **{"sampler": "tpe", "trials": 12, **changes})


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_the_same_command_again_runs_nothing(tmp_path: Path, sampler: str) -> None:
    """The sampler learns of results in the order in which the earlier study's did."""
    first = TwoLanes(plan(tmp_path, "first", sampler=sampler)).run()
    again = TwoLanes(plan(tmp_path, "again", sampler=sampler))
    second = again.run()
    assert again.ran == 0
    assert [trial.number for trial in again.reused] == list(range(12))
    for number, trial in first.trials.items():
        same = second.trials[number]
        assert same.reused == Reused(study="first", trial=number, commit="c" * 40)
        assert (same.params, same.id, same.metrics, same.generation, same.state) == (
            trial.params,
            trial.id,
            trial.metrics,
            trial.generation,
            "complete",
        )
    reopened = Ledger(again.ledger.path).record
    assert [trial.params for trial in results_of(reopened).ranking] == [
        t.params for t in results_of(first).ranking
    ]


def test_another_seed_other_data_and_fresh_run_everything(tmp_path: Path) -> None:
    TwoLanes(plan(tmp_path, "first")).run()
    for again in (
        TwoLanes(plan(tmp_path, "seed", seed=1)),
        TwoLanes(plan(tmp_path, "fresh", fresh=True)),
    ):
        assert not any(trial.reused for trial in again.run().trials.values())
        assert again.ran == 12


def test_what_failed_runs_again_and_what_follows_is_drawn_from_all_that_is_known(
    tmp_path: Path,
) -> None:
    TwoLanes(plan(tmp_path, "first"), fails=5).run()
    again = TwoLanes(plan(tmp_path, "again"))
    record = again.run()
    reused = [number for number, trial in record.trials.items() if trial.reused]
    assert reused[:5] == [0, 1, 2, 3, 4]
    assert 5 not in reused
    assert {trial.state for trial in record.trials.values()} == {"complete"}
    known = again.search.study.trials
    assert [trial.value for trial in known] == [t.value("miou") for t in record.trials.values()]


def test_the_plan_counts_what_could_be_drawn(tmp_path: Path) -> None:
    of = plan(tmp_path, "first")
    TwoLanes(of).run()
    again = replace(of, study="again")
    assert len(possible_reuse(again, fake.SPACE, DIGEST)) == 12
    assert possible_reuse(again, fake.SPACE, "e" * 16) == []
    assert possible_reuse(replace(again, fresh=True), fake.SPACE, DIGEST) == []
    longer = replace(again, base=of.resolve({"epochs": 9}))
    assert possible_reuse(longer, fake.SPACE, DIGEST) == []


def test_searches_of_cells_are_reused(tmp_path: Path) -> None:
    of = test_cell_search.planned(tmp_path)
    first = fake.begin(of)
    test_cell_search.drive(of, first)
    again = replace(of, study="again")
    ledger = fake.begin(again)
    reuse = DrawReuse(again, ledger, lambda trial: None)
    search = make_search(again, fake.SPACE, ledger.record, [], reuse)
    assert next_trial(search, "t") is None
    first_trials = [(t.cell, t.phase, t.params, t.metrics) for t in first.record.trials.values()]
    assert len(first_trials) == 9
    assert [
        (t.cell, t.phase, t.params, t.metrics) for t in ledger.record.trials.values()
    ] == first_trials


def test_tune_can_pickle_a_search_that_reuses_trials(tmp_path: Path) -> None:
    """Its ledger is an open file; Tune pickles the search before anything runs."""
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    reuse = DrawReuse(plan, ledger, lambda trial: None)
    search = LedgerSearch(ledger.record, fake.SPACE, [], plan.resolve, reuse)
    stopper = BudgetStopper(ledger.record)
    search.may_start = lambda: not is_spent(ledger.record)
    writer = LedgerWriter(ledger, Faults(Policy(), Stop()), stopper)
    assert cloudpickle.dumps((search, stopper, writer))
