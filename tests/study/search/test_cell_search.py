"""Per-cell search: equal budgets, one choice, and a comparison that the search has no part in."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster import session
from search_spaces import SPACES
from study.analysis import tables
from study.analysis.results import AblationResults
from study.commands import options
from study.execution import phases
from study.execution.callbacks.ledger_writer import LedgerWriter
from study.execution.stopping import Faults, Policy, Stop
from study.ledger import events
from study.ledger.events import Chosen, ChosenWeights, EpochEnded, Finished, TrialFailed
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.planning import make_plan
from study.planning.runs import grid_runs
from study.reporting.sections import ablation_table
from study.reporting.sections import cell_search as cell_search_section
from study.reporting.values import parameters
from study.search import cell_search, reuse
from study.search.planned_search import Result
from tests.study import fake, reports
from tests.study.ledger.test_ledger import content
from tests.study.search.next_trial import first_trial, next_trial
from trainables.config import Value
from trainables.lane.trial_spec import TrialSpec

CELLS = ("cross_entropy", "lovasz", "affinity_regression")
ASKED = (
    "--space",
    "all_losses",
    "--trials",
    "3",
    "--seeds",
    "6",
    "--name",
    "arms",
    "--sampler",
    "random",
    "--epochs",
    str(fake.EPOCHS),
    "--cells",
    ",".join(CELLS),
)


def planned(storage: Path, *extra: str) -> Plan:
    given = options.parse_request([*ASKED, *extra, "--storage", str(storage)])
    return make_plan.plan_from_request(given, [session.local_node()])


def start(ledger: Ledger, spec: TrialSpec) -> None:
    trial: Any = SimpleNamespace(config=spec.to_tune())
    LedgerWriter(ledger, Faults(Policy(), Stop())).on_trial_start(0, [], trial)


def end(ledger: Ledger, number: int) -> float:
    """All epochs; best near a rate of 0.003 and with a small weight."""
    trial = ledger.record.trials[number]
    value = 0.5 - abs(float(trial.config["optim/lr"]) - 0.003) - trial.number / 4096
    for epoch in range(1, fake.EPOCHS + 1):
        ledger.append(
            EpochEnded(
                trial=number,
                epoch=epoch,
                metrics={"miou": value},
                seconds=0.5,
                lane="lane-0",
                train_s=0.4,
                evaluate_s=0.1,
            )
        )
    ledger.append(Finished(trial=number, state="complete"))
    return value


def drive(plan: Plan, ledger: Ledger, end_after: int = 99, order: tuple[int, ...] = ()) -> None:
    """Run the rest of the searches trial by trial; ``order`` starts these trials first."""
    waiting = [InterruptedTrial(t.number, t.params, "") for t in ledger.record.in_state("running")]
    search = phases.make_search(plan, SPACES[plan.space], ledger.record, waiting)
    handed: list[TrialSpec] = []
    while spec := next_trial(search, f"t{len(handed)}"):
        handed.append(spec)
        if spec.number in order:
            start(ledger, spec)
        if order:
            continue
        start(ledger, spec)
        result: Result = {"miou": end(ledger, spec.number)}
        search.on_trial_complete(f"t{len(handed) - 1}", result)
        if len(handed) == end_after:
            return


def test_every_cell_is_searched_as_often_and_starts_at_its_own_weights(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    ledger = fake.begin(plan)
    assert (plan.trials, plan.design.seeds, cell_search.total(plan)) == (
        3 * 3 + 6 * 3,
        (1, 2, 3, 4, 5, 6),
        9,
    )
    drive(plan, ledger)
    trials = ledger.record.trials
    assert [trials[n].cell for n in range(9)] == [*CELLS] * 3
    assert {trial.config["seed"] for trial in trials.values()} == {0}
    begins = [trials[n].params for n in range(3)]
    rate = plan.config.optim.lr
    assert begins == [
        {"optim/lr": rate},
        {"optim/lr": rate, "loss/lovasz": 1.0},
        {"optim/lr": rate, "loss/ar": 0.1},
    ]
    for turn in (3, 6):  # every cell gets the same rate, another one each turn
        assert len({trials[turn + place].params["optim/lr"] for place in range(3)}) == 1
    assert len({trials[n].params["optim/lr"] for n in (0, 3, 6)}) == 3
    assert parameters(trials[1]) == "lovasz: lr=0.006 lovasz=1"


def test_every_search_starts_from_what_set_gives(tmp_path: Path) -> None:
    plan = planned(tmp_path, "--set", "optim/lr=0.001")
    ledger = fake.begin(plan)
    drive(plan, ledger)
    assert {ledger.record.trials[n].params["optim/lr"] for n in range(3)} == {0.001}


@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.parametrize("cut", [1, 4, 8])
def test_interrupted_and_resumed_searches_draw_the_same(
    tmp_path: Path, sampler: str, cut: int
) -> None:
    ledgers = []
    for name, ends in {"uninterrupted": (99,), "cut": (cut, 99)}.items():
        plan = planned(tmp_path / name, "--sampler", sampler)
        fake.begin(plan)
        for end_after in ends:
            ledger = Ledger(StudyFolder.of(plan).ledger)
            drive(plan, ledger, end_after)
        ledgers.append(ledger)
        assert cell_search.choose_weights(plan, ledger)
    uninterrupted, again = (ledger.record for ledger in ledgers)
    assert content(uninterrupted) == content(again)
    assert uninterrupted.chosen == again.chosen


def test_a_trial_that_started_before_an_earlier_one_of_its_cell_keeps_its_draw(
    tmp_path: Path,
) -> None:
    plan = planned(tmp_path / "uninterrupted")
    uninterrupted = fake.begin(plan)
    drive(plan, uninterrupted)
    late = planned(tmp_path / "late")
    drive(
        late, fake.begin(late), order=(7,)
    )  # trials 1 and 4 of the cell were handed out but not started
    opened = Ledger(StudyFolder.of(late).ledger)
    assert list(opened.record.trials) == [7]
    drive(late, opened)
    assert {n: trial.params for n, trial in sorted(opened.record.trials.items())} == {
        n: trial.params for n, trial in uninterrupted.record.trials.items()
    }


def test_the_best_of_each_cell_is_compared_and_its_search_is_not(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    ledger = fake.begin(plan)
    drive(plan, ledger, end_after=8)
    last = first_trial(cell_search.CellSearch(plan, ledger.record, []), "last")
    assert last.number == 8
    assert not cell_search.choose_weights(plan, ledger)  # one is missing
    assert reuse.reusable_runs(plan, "d" * 16, ledger.record) == []
    start(ledger, last)
    ledger.append(TrialFailed(trial=8, kind="diverged", message="nan", traceback=""))
    assert cell_search.choose_weights(plan, ledger)
    opened = Ledger(StudyFolder.of(plan).ledger).record
    for cell in CELLS:
        searched = cell_search.trials_of(opened, cell)
        values = {n: trial.value("miou") or 0.0 for n, trial in searched.items() if trial.epochs}
        assert opened.chosen[cell].trial == max(values, key=lambda n: values[n])
    again = opened.plan
    weights = {cell: chosen.changes for cell, chosen in opened.chosen.items()}
    here = replace(again, storage=plan.storage, tracking_uri=plan.tracking_uri)
    assert here == plan.with_weights(weights)
    runs = grid_runs(again)
    assert [run.number for run in runs] == list(range(9, 27))
    lovasz = next(run for run in runs if run.cell == "lovasz")
    best = opened.chosen["lovasz"].trial
    assert best is not None
    drawn = opened.trials[best].params
    assert {path: lovasz.config[path] for path in drawn} == drawn
    for run in runs:
        start(ledger, run)
        end(ledger, run.number)
        ledger.append(events.Tested(trial=run.number, metrics={"test_miou": run.seed / 16}))
    table = tables.metric_tables(ledger.record)[0]
    assert (table.split, [len(row.values) for row in table.rows]) == ("test", [6, 6, 6])
    assert sum(row.failed + row.diverged + row.unfinished for row in table.rows) == 0
    report = reports.markdown(ledger.record, StudyFolder.of(plan).path)
    assert "| lovasz | 3 |" in report
    assert "| affinity_regression | 2 |" in report


def test_a_cell_without_a_complete_trial_keeps_its_initial_weights(
    tmp_path: Path,
) -> None:
    plan = planned(tmp_path)
    ledger = fake.begin(plan)
    search = cell_search.CellSearch(plan, ledger.record, [])
    while spec := next_trial(search, "t"):
        start(ledger, spec)
        ledger.append(TrialFailed(trial=spec.number, kind="diverged", message="", traceback=""))
        search.on_trial_complete("t", {"failure": {}})
    assert cell_search.choose_weights(plan, ledger)
    assert ledger.record.chosen["lovasz"] == ChosenWeights(trial=None, changes={"loss/lovasz": 1.0})
    assert len(grid_runs(ledger.record.plan)) == 18


def test_a_rate_that_cells_chose_differently_is_named_beside_their_verdicts(
    tmp_path: Path,
) -> None:
    ledger = fake.begin(planned(tmp_path))
    rates = {"cross_entropy": 0.002, "lovasz": 0.001, "affinity_regression": 0.002}
    own: dict[str, dict[str, Value]] = {
        "cross_entropy": {},
        "lovasz": {"loss/lovasz": 3.0},
        "affinity_regression": {
            "loss/ar": 0.1,
            "inverse_net/steps": 9,
        },  # a field that only this loss uses
    }

    def choose(rates: dict[str, float]) -> None:
        cells = {
            cell: ChosenWeights(trial=0, changes={**own[cell], "optim/lr": rate})
            for cell, rate in rates.items()
        }
        ledger.append(Chosen(cells=cells))

    choose(rates)
    (line,) = cell_search_section.differing(ledger.record)
    assert "optim/lr" in line
    assert "(0.002: cross_entropy, affinity_regression; 0.001: lovasz)" in line
    assert line in ablation_table.notes(AblationResults(ledger.record))
    choose(dict.fromkeys(rates, 0.002))
    assert cell_search_section.differing(ledger.record) == []
