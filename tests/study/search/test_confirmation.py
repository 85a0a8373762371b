"""The confirmation of a search: which runs, when, on which seeds, and what the study then says."""

from pathlib import Path

import pytest
from ray.tune.search import Searcher

from study.analysis.answer import answer
from study.analysis.confirmation import planned_trials
from study.analysis.results import SearchResults, results_of
from study.execution.phases import phases
from study.ledger.design import NOT_SEARCHED, WINNER
from study.ledger.events import Chosen, Ended, Tested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import InterruptedTrial
from study.planning.comparison import comparing_runs
from study.search.phases import PhasedSearch
from study.tracking.cells import judged
from tests.study import fake, fake_grid, reports
from trainables.lane.trial_spec import TrialSpec

SEEDS = (1, 2, 3, 4, 5, 6)


def searched(plan: Plan) -> Ledger:
    """The plan's ledger once its search has ended; the last trial diverged."""
    ledger = fake.begin(plan)
    for number in range(plan.search.trials - 1):
        fake.complete(ledger, plan, number)
    fake.fail(ledger, plan, plan.search.trials - 1)
    return ledger


def phased(
    plan: Plan, ledger: Ledger, waiting: list[InterruptedTrial] | None = None
) -> PhasedSearch:
    in_order = phases(plan, fake.SPACE, ledger, waiting or [], lambda trial: None)
    return PhasedSearch(ledger.record, in_order)


def confirm(ledger: Ledger, run: TrialSpec, gain: float = 0.05) -> None:
    """Run and test one confirming trial, the winner by ``gain`` better than its base."""
    fake_grid.complete(ledger, run)
    value = 0.5 + run.seed / 100 + (gain + run.seed / 1000 if run.cell == WINNER else 0.0)
    ledger.append(Tested(trial=run.number, metrics={"test_miou": value}))


def confirmed(plan: Plan, gain: float = 0.05) -> Ledger:
    ledger = searched(plan)
    search = phased(plan, ledger)
    while isinstance(config := search.suggest("t"), dict):
        confirm(ledger, TrialSpec.from_tune(config), gain)
        search.on_trial_complete("t", {})
    ledger.append(Ended())
    return ledger


def test_the_winner_and_its_base_run_on_seeds_that_chose_nothing(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, confirm=SEEDS)
    ledger = searched(plan)
    assert plan.trials == 8 + 12
    assert comparing_runs(plan, ledger.record) == []  # nothing is chosen yet
    first = phased(plan, ledger).suggest("t")
    assert isinstance(first, dict)
    runs = comparing_runs(plan, ledger.record)
    assert TrialSpec.from_tune(first) == runs[0]
    assert [run.number for run in runs] == list(range(8, 20))
    assert [(run.cell, run.seed) for run in runs] == [
        (cell, seed) for seed in SEEDS for cell in (NOT_SEARCHED, WINNER)
    ]
    best = results_of(ledger.record).best
    assert best is not None
    base, winner = runs[0], runs[1]
    assert winner.params == best.params
    assert {**winner.config, "seed": 0} == best.config
    assert base.params == {"optim/lr": best.params["optim/lr"]}  # only the losses differ
    differ = {path for path in base.config if base.config[path] != winner.config[path]}
    assert all(path.startswith(("loss/", "inverse_net/")) for path in differ)
    assert {run.phase for run in runs} == {"confirm"}


def test_no_confirming_run_starts_while_a_trial_of_the_search_runs(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=2, confirm=SEEDS)
    ledger = fake.begin(plan)
    search = phased(plan, ledger)
    for name in ("a", "b"):
        config = search.suggest(name)
        assert isinstance(config, dict)
        fake_grid.start(ledger, TrialSpec.from_tune(config))
    assert search.suggest("c") is None
    ledger.record.trials[0].state = "complete"
    search.on_trial_complete("a", {"miou": 0.5})
    assert search.suggest("c") is None
    assert not ledger.record.chosen


@pytest.mark.parametrize("after", range(13))
def test_a_resumed_confirmation_runs_what_is_left_and_nothing_twice(
    tmp_path: Path, after: int
) -> None:
    plan = fake.plan(tmp_path, confirm=SEEDS)
    ledger = searched(plan)
    search = phased(plan, ledger)
    for _ in range(after):
        config = search.suggest("t")
        assert isinstance(config, dict)
        confirm(ledger, TrialSpec.from_tune(config))
        search.on_trial_complete("t", {})
    cut = Ledger(StudyFolder.of(plan).ledger)
    again, numbers = phased(plan, cut), []
    while (config := again.suggest("t")) != Searcher.FINISHED:
        assert isinstance(config, dict)
        numbers.append(config["number"])
        confirm(cut, TrialSpec.from_tune(config))
        again.on_trial_complete("t", {})
    assert numbers == list(range(8 + after, 20))


def test_an_interrupted_confirming_run_continues_from_its_checkpoint(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, confirm=SEEDS)
    ledger = searched(plan)
    started = phased(plan, ledger).suggest("t")
    assert isinstance(started, dict)
    fake_grid.start(ledger, TrialSpec.from_tune(started))
    waiting = [InterruptedTrial(8, {}, "/a/checkpoint")]
    first = phased(plan, ledger, waiting).suggest("t")
    assert isinstance(first, dict)
    assert (first["number"], first["resume_from"]) == (8, "/a/checkpoint")
    assert first["config"] == started["config"]


def test_a_search_without_a_winner_has_nothing_to_confirm(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=2, confirm=SEEDS)
    ledger = fake.begin(plan)
    for number in range(2):
        fake.fail(ledger, plan, number)
    assert phased(plan, ledger).suggest("t") == Searcher.FINISHED
    assert not any(isinstance(event, Chosen) for event in ledger.record.chosen.values())
    assert planned_trials(ledger.record, plan) == 2


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (0.05, "Better: winner +5.35 miou (+5.22 to +5.48) against"),
        (-0.05, "Worse: winner -4.65 miou"),
        (0.0, "Better: winner +0.35 miou"),
    ],
)
def test_the_answer_is_the_verdict_on_the_test_list(
    tmp_path: Path, gain: float, words: str
) -> None:
    results = results_of(confirmed(fake.plan(tmp_path, confirm=SEEDS), gain).record)
    assert words in answer(results)
    assert "6 seeds" in answer(results)


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (-0.05, "winner was behind, at -4.85 miou (-4.90 to -4.80)."),
        (-0.0015, "winner was level with the baseline: 0.00 miou"),
    ],
)
def test_a_winner_that_does_not_lead_is_not_said_to_lead(
    tmp_path: Path, gain: float, words: str
) -> None:
    results = results_of(confirmed(fake.plan(tmp_path, confirm=(1, 2)), gain).record)
    assert words in answer(results)


def test_too_few_seeds_are_undecided_whatever_they_show(tmp_path: Path) -> None:
    results = results_of(confirmed(fake.plan(tmp_path, confirm=(1, 2))).record)
    assert answer(results).startswith("Undecided: 2 seeds cannot decide, 6 can; winner led by +5.")


def test_confirming_runs_are_not_ranked_and_the_ledger_reads_back_the_same(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, confirm=SEEDS)
    ledger = confirmed(plan)
    results = results_of(ledger.record)
    assert isinstance(results, SearchResults)
    assert {trial.number for trial in results.ranking} == set(range(7))
    read = StudyFolder.of(plan).load()
    assert read == ledger.record
    assert read.plan == fake.as_in_ledger(plan)
    assert answer(results_of(read)) == answer(results)


def test_report_and_mlflow_have_the_confirmation(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, confirm=SEEDS)
    ledger = confirmed(plan)
    results = results_of(ledger.record)
    reports.write(ledger.record, StudyFolder.of(plan))
    text = (StudyFolder.of(plan).report / "report.md").read_text()
    assert text.splitlines()[2] == f"**{answer(results)}**"
    assert "## The winner on other seeds" in text
    assert (StudyFolder.of(plan).report / "differences.png").exists()
    assert results.comparison is not None
    verdicts = {run.tags["cell"]: run.tags["verdict"] for run in judged(results.comparison)}
    assert verdicts == {NOT_SEARCHED: "baseline", WINNER: "better"}
