"""The health of a study: for each check a ledger that shows it, and one that does not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import Cell, Grid
from study.analysis import bounds, equal_outcomes, health, unreached
from study.analysis.results import AblationResults, SearchResults
from study.ledger.events import Planned
from study.ledger.plan import Plan
from study.ledger.provenance import Provenance
from study.ledger.record import StudyRecord
from study.ledger.trial_record import EpochRecord, TrialRecord
from tests.study import fake, fake_grid
from trainables.config import Value
from trainables.lane.failures import Failure
from trainables.lane.trial_spec import Phase

PLAN = fake.plan(Path())
"""A search over ``loss/beta`` and ``loss/gamma`` (0.001 .. 1, log), and more."""


def trial(
    number: int,
    params: Mapping[str, Value],
    miou: float,
    cell: str = "",
    seed: int = 0,
    held: dict[str, Value] | None = None,
    phase: Phase = "",
) -> TrialRecord:
    """A complete one."""
    metrics = {"miou": miou, "pixel_accuracy": 0.5, "boundary_f_1px": miou / 2}
    last = EpochRecord(metrics=metrics, seconds=1.0, lane="a", time=0.0, held=held)
    return TrialRecord(
        number=number,
        id=f"{number:012x}",
        params=dict(params),
        config={"epochs": fake.EPOCHS, "seed": seed, **params},
        state="complete",
        epochs={fake.EPOCHS: last},
        cell=cell,
        seed=seed,
        phase=phase,
    )


def record(trials: Sequence[TrialRecord], plan: Plan = PLAN) -> StudyRecord:
    planned = Planned(plan=plan, data=fake.DATA, provenance=Provenance(commit=None, dirty=None))
    return StudyRecord(planned=planned, trials={trial.number: trial for trial in trials})


def search(values: Sequence[float], path: str, mious: Sequence[float]) -> StudyRecord:
    pairs = enumerate(zip(values, mious, strict=True))
    return record([trial(number, {path: value}, miou) for number, (value, miou) in pairs])


def compared(differences: Sequence[float], cell: str = "good") -> AblationResults:
    """One cell against the baseline, on as many seeds."""
    plan = fake_grid.plan(Path(), seeds=tuple(range(len(differences))))
    trials = []
    for seed, difference in enumerate(differences):
        trials.append(trial(2 * seed, {}, 0.5 + seed / 64, "plain", seed))
        trials.append(trial(2 * seed + 1, {}, 0.5 + seed / 64 + difference, cell, seed))
    return AblationResults(record(trials, plan))


GAMMA = next(d for d in fake.SPACE.dimensions if d.path == "loss/gamma")


def test_an_optimum_at_a_bound_is_seen_if_the_next_best_are_near_it() -> None:
    ends = [GAMMA.at(share) for share in (0.1, 0.4, 0.6, 0.9, 0.98, 1.0)]
    rising = search([float(value) for value in ends], GAMMA.path, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    (found,) = bounds.at_a_bound(rising)
    high = float(GAMMA.at(1.0))
    assert found.seen == (
        f"the best trial has loss/gamma {high:g} at the upper end of {GAMMA.bounds()}, and 2 of "
        f"the 2 best trials are near it"
    )


def test_an_optimum_within_a_range_or_alone_at_its_end_is_not() -> None:
    shares = (0.0, 0.2, 0.4, 0.5, 0.6, 1.0)
    values = [float(GAMMA.at(share)) for share in shares]
    inside = search(values, GAMMA.path, [0.1, 0.2, 0.5, 0.6, 0.5, 0.1])
    alone = search(values, GAMMA.path, [0.1, 0.2, 0.5, 0.4, 0.3, 0.6])
    few = search(values[-4:], GAMMA.path, [0.1, 0.2, 0.5, 0.6])
    assert [bounds.at_a_bound(study) for study in (inside, alone, few)] == [[], [], []]


def test_a_cell_s_own_search_has_bounds_too() -> None:
    cell = Cell(name="good", changes={"loss/gamma": 0.1}, searched=(GAMMA,))
    cells = (Cell(name="plain", changes={}), cell)
    grid = Grid(name="g", question="?", source="s", baseline="plain", cells=cells)
    plan = fake_grid.plan(Path(), grid=grid)
    shares = (0.3, 0.5, 0.6, 0.05, 0.02, 0.0)
    trials = [
        trial(n, {GAMMA.path: GAMMA.at(share)}, n / 8, "good", phase="search")
        for n, share in enumerate(shares)
    ]
    (found,) = bounds.at_a_bound(record(trials, plan))
    assert "best trial of good has loss/gamma" in found.seen
    assert "at the lower end of" in found.seen


def test_a_parameter_without_effect_is_seen_by_its_share_of_the_variance() -> None:
    study = search([0.1] * 20, GAMMA.path, [n / 64 for n in range(20)])
    (found,) = health.without_effect(study, {"loss/beta": 0.985, "loss/gamma": 0.015})
    assert found.seen.endswith("over 20 trials: loss/gamma 1.5%")
    assert health.without_effect(study, {"loss/beta": 0.9, "loss/gamma": 0.1}) == []
    assert health.without_effect(study, {}) == []


HELD: dict[str, Value] = {"loss/beta": 1.0}


def test_a_parameter_that_reached_no_trial_is_seen() -> None:
    params: dict[str, Value] = {"loss/beta": 1.0, "loss/theta": 3.0, "data/flip": True}
    (found,) = unreached.unreached(record([trial(n, params, 0.5, held=HELD) for n in range(2)]))
    assert found.seen.startswith("loss/theta reached none of 2 trials")


def test_a_parameter_that_reached_one_trial_or_that_nobody_reported_is_not() -> None:
    params: dict[str, Value] = {"loss/beta": 1.0, "loss/theta": 3.0}
    both: dict[str, Value] = {**HELD, "loss/theta": 3.0}
    reached = [trial(0, params, 0.5, held=HELD), trial(1, params, 0.5, held=both)]
    older = [trial(0, params, 0.5), trial(1, params, 0.5)]
    running = [replace(each, state="running") for each in reached[:1]]
    for trials in (reached, older, running):
        assert unreached.unreached(record(trials)) == []


def test_a_trial_that_trained_with_another_value_is_seen() -> None:
    params: dict[str, Value] = {"optim/lr": 0.003}
    wrong = trial(4, params, 0.5, held={"optim/lr": 0.001})
    rounded = trial(5, params, 0.5, held={"optim/lr": 0.003 * (1 + 1e-15)})
    (found,) = unreached.other_values(record([wrong, rounded]))
    assert found.seen == "trial 4 trained with optim/lr 0.001 and not 0.003"
    assert unreached.other_values(record([rounded])) == []


def test_trials_that_differ_and_are_equal_to_the_last_bit_are_seen() -> None:
    study = search([0.1, 0.2, 0.3], GAMMA.path, [0.5, 0.25, 0.5])
    (found,) = equal_outcomes.equal_outcomes(SearchResults(study))
    assert found.seen.startswith("2 trials (0, 2) that differ in loss/gamma are equal")
    other = search([0.1, 0.2, 0.3], GAMMA.path, [0.5, 0.25, 0.5 + 2**-50])
    same = search([0.1, 0.2, 0.1], GAMMA.path, [0.5, 0.25, 0.5])
    for study in (other, same):
        assert equal_outcomes.equal_outcomes(SearchResults(study)) == []


def test_a_cell_that_equals_the_baseline_is_seen_unless_its_cross_entropy_differs() -> None:
    equal = compared([0.0, 0.0])
    (found,) = equal_outcomes.equal_outcomes(equal)
    assert found.seen.endswith("no difference yet: good")
    of_baseline = equal.record.trials[0].epochs[fake.EPOCHS]
    nats = replace(of_baseline, metrics={**of_baseline.metrics, "val/loss": 0.7})
    equal.record.trials[0].epochs[fake.EPOCHS] = nats
    assert equal_outcomes.equal_outcomes(AblationResults(equal.record)) == []


def failed(trials: Sequence[TrialRecord], kind: str) -> list[TrialRecord]:
    failure = Failure(kind=kind, message="it went wrong", traceback="")
    return [replace(each, state="failed", failure=failure) for each in trials]


def test_a_cell_whose_trials_all_diverge_is_seen() -> None:
    results = compared([0.5, 0.5])
    plain, good = list(results.record.trials.values())[::2], [*results.record.trials.values()][1::2]
    plan = results.record.plan
    (found,) = health.all_diverged(record([*plain, *failed(good, "diverged")], plan))
    assert found.seen == "all 2 trials of good diverged"
    for others in ([*failed(good[:1], "diverged"), good[1]], failed(good, "memory")):
        assert health.all_diverged(record([*plain, *others], plan)) == []


def test_noise_larger_than_every_effect_is_seen_with_both_figures() -> None:
    (found,) = health.all_noise(compared([0.0625, -0.03125, 0.0]))
    # mean 1.0417 %; deviations 5.2083, 4.1667, 1.0417: (27.13 + 17.36 + 1.085) / 2 = 22.79
    assert "miou (percentage points), good's +1.04, is less than the standard" in found.seen
    assert found.seen.endswith("over seeds, 4.77")


@pytest.mark.parametrize(
    "differences", [[0.0625, 0.03125, 0.0625], [0.0, 0.0], [0.5], [0.01] * 5 + [0.3]]
)
def test_an_effect_no_spread_one_seed_or_a_verdict_is_no_noise(differences: list[float]) -> None:
    assert health.all_noise(compared(differences)) == []


def test_a_search_that_never_beats_its_first_point_is_seen() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    (found,) = health.first_is_best(search(values, GAMMA.path, [0.5, 0.25, 0.375, 0.25, 0.125]))
    assert found.seen == (
        "the search found nothing better than its first point: miou 50.00 %, the best of 4 later "
        "trials 37.50 %"
    )
    better = search(values, GAMMA.path, [0.5, 0.25, 0.75, 0.25, 0.125])
    short = search(values[:4], GAMMA.path, [0.5, 0.25, 0.375, 0.25])
    assert health.first_is_best(better) == health.first_is_best(short) == []
