"""How far a verdict goes: orders that still move, counted by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import Cell, Grid
from study.analysis import horizon
from study.analysis.answer import answer
from study.analysis.results import AblationResults
from study.ledger.events import Planned
from study.ledger.provenance import Provenance
from study.ledger.record import StudyRecord
from study.ledger.trial_record import EpochRecord, TrialRecord
from tests.study import fake, fake_grid
from trainables.config import TrialConfig, Value

Curves = Mapping[str, Sequence[Sequence[float]]]
"""By cell, a curve of mIoU for each seed."""


def compared(curves: Curves, epochs: int, refined: Sequence[str] = ()) -> AblationResults:
    crf: dict[str, Value] = {"refine/method": "dense_crf"}
    cells = tuple(
        Cell(name=name, changes={"loss/xe": 1.0 + place, **(crf if name in refined else {})})
        for place, name in enumerate(curves)
    )
    grid = Grid(name="g", question="?", source="s", baseline=next(iter(curves)), cells=cells)
    seeds = tuple(range(len(next(iter(curves.values())))))
    base = TrialConfig().changed({"epochs": epochs})
    plan = fake_grid.plan(Path(), grid=grid, seeds=seeds, base=base)
    named = [(cell, seed) for cell in curves for seed in seeds]
    trials = {
        number: trial(number, cell, seed, curves[cell][seed])
        for number, (cell, seed) in enumerate(named)
    }
    planned = Planned(plan=plan, data=fake.DATA, provenance=Provenance(commit=None, dirty=None))
    return AblationResults(StudyRecord(planned=planned, trials=trials))


def trial(number: int, cell: str, seed: int, curve: Sequence[float]) -> TrialRecord:
    epochs = {
        place: EpochRecord(metrics={"miou": value}, seconds=1.0, lane="a", time=0.0)
        for place, value in enumerate(curve, start=1)
    }
    return TrialRecord(
        number=number,
        id=f"{number:012x}",
        params={},
        config={"epochs": len(curve), "seed": seed},
        state="complete",
        epochs=epochs,
        cell=cell,
        seed=seed,
    )


FLAT = [0.5] * 6
EARLY = [0.4, 0.6, 0.6, 0.6, 0.6, 0.6]
IN_THE_HALF = [0.4, 0.4, 0.4, 0.6, 0.6, 0.6]
IN_THE_THIRD = [0.4, 0.4, 0.4, 0.4, 0.6, 0.6]


@pytest.mark.parametrize(
    ("curve", "half", "third"),
    [(EARLY, 0, 0), (IN_THE_HALF, 1, 0), (IN_THE_THIRD, 1, 1), (FLAT, 0, 0)],
)
def test_a_change_of_order_is_counted_in_its_part_of_the_epochs(
    curve: list[float], half: int, third: int
) -> None:
    """Of six epochs, the half is 3 to 6 and the third 4 to 6."""
    found = horizon.moving(compared({"plain": [FLAT], "other": [curve]}, 6))
    assert found is not None
    assert (found.pairs, found.half, found.third) == (1, half, third)


def test_means_and_single_seeds_are_counted_apart() -> None:
    # The two seeds change order in opposite directions, so that their mean never does.
    down = [1 - value for value in IN_THE_THIRD]
    higher = [[value + 0.3 for value in FLAT]] * 2
    curves = {"plain": [FLAT, FLAT], "other": [IN_THE_THIRD, down], "best": higher}
    found = horizon.moving(compared(curves, 6))
    assert found is not None
    assert (found.pairs, found.third, found.runs, found.runs_third) == (3, 0, 6, 2)
    assert found.short() == "after 6 epochs; 0 of 3 orders still moving"


def test_the_answer_says_where_orders_still_move() -> None:
    still = compared({"plain": [FLAT] * 6, "other": [IN_THE_THIRD] * 6}, 6)
    assert answer(still).endswith(". After 6 epochs; 1 of 1 order still moving.")
    found = horizon.moving(still)
    assert found is not None
    assert found.decided == ("other",)
    settled = compared({"plain": [FLAT] * 6, "other": [EARLY] * 6}, 6)
    assert "moving" not in answer(settled)


def test_validation_says_nothing_of_an_order_that_refinement_decides() -> None:
    """The curve of a refined cell is that of the network alone."""
    curves = {"plain": [FLAT], "refined": [FLAT], "other": [IN_THE_THIRD]}
    found = horizon.moving(compared(curves, 6, refined=["refined"]))
    assert found is not None
    assert (found.pairs, found.third, found.runs) == (1, 1, 1)
    assert horizon.moving(compared({"plain": [FLAT], "it": [FLAT]}, 6, refined=["it"])) is None
    both = horizon.moving(compared(curves, 6, refined=[*curves]))
    assert both is not None
    assert both.pairs == 3


def test_a_plug_in_that_is_not_installed_is_not_needed() -> None:
    """A report executes none; it ended in a traceback."""
    results = compared({"a": [FLAT], "b": [IN_THE_THIRD]}, 6)
    plan = results.record.plan
    of_plugin = replace(plan, base={**plan.base, "parts": "b2dd74e00a92"})
    assert results.record.planned is not None
    planned = replace(results.record.planned, plan=of_plugin)
    found = horizon.moving(AblationResults(replace(results.record, planned=planned)))
    assert found is not None
    assert found.third == 1


def test_two_epochs_and_unfinished_runs_say_nothing() -> None:
    short = compared({"plain": [FLAT[:2]], "other": [IN_THE_THIRD[-2:]]}, 2)
    assert horizon.moving(short) is None
    results = compared({"plain": [FLAT], "other": [IN_THE_THIRD]}, 6)
    running = replace(results.record.trials[1], state="running")
    results.record.trials[1] = running
    assert horizon.moving(AblationResults(results.record)) is None


def test_the_order_is_by_the_direction_of_the_metric() -> None:
    figures = {"a": 1.0, "b": 3.0, "c": 2.0}
    assert horizon.order(figures, "max") == ["b", "c", "a"]
    assert horizon.order(figures, "min") == ["a", "c", "b"]
    swapped = {**figures, "a": 4.0}
    assert horizon.Longer("s", 36, figures, {name: 2 * v for name, v in figures.items()}).held(
        "max"
    )
    assert not horizon.Longer("s", 36, figures, swapped).held("max")
