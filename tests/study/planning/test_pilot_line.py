"""The plan's line about power: which study is the pilot, and what it says."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.analysis.power import Comparisons, detectable
from study.ledger.design import Ablation
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.planning.prior_studies.pilot import power_line
from tests.study import fake, fake_grid
from tests.study.execution.test_stages import small
from trainables.data import Dataset
from trainables.lane.trial_spec import TrialSpec

LUCK = {0: 0.0, 1: 1 / 64, 2: 1 / 32, 3: 0.0, 4: 1 / 64, 5: 1 / 32}
"""Of the compared cell, by seed: differences with a variance of 1/5 of (1/32)^2."""


def data() -> Dataset:
    return replace(small(), digest=fake.DATA.digest)


def line(plan: Plan) -> str:
    return power_line(plan, StudyRecord(), data())


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage with one comparison, whose differences vary by ``LUCK``."""
    score = fake_grid.score

    def varying(run: TrialSpec, epoch: int = fake.EPOCHS) -> float:
        return score(run, epoch) + (LUCK[run.seed] if run.cell == "good" else 0)

    monkeypatch.setattr(fake_grid, "score", varying)
    fake_grid.ended_study(fake_grid.plan(tmp_path, study="first"))
    return tmp_path


def test_without_a_pilot_the_line_says_how_to_get_one(tmp_path: Path) -> None:
    found = line(fake_grid.plan(tmp_path))
    assert found.startswith("unknown: no study in")
    assert "a comparison of two cells on 3 seeds of this data does" in found
    assert line(fake.plan(tmp_path)) == ""  # a search compares nothing


def test_the_spread_of_an_earlier_comparison_gives_the_difference(storage: Path) -> None:
    found = line(fake_grid.plan(storage, study="new"))
    factor = detectable(6, Comparisons(count=1))
    assert factor is not None
    points = 100 * factor * (1 / 5) ** 0.5 / 32
    assert f"6 seeds find a true difference of {points:.2g} points" in found
    assert "in 80% of studies; 0.2 points need" in found
    assert found.endswith("spread from first: 1 cell on 6 seeds")


def test_too_few_seeds_find_nothing(storage: Path) -> None:
    found = line(fake_grid.plan(storage, study="new", seeds=(0, 1, 2)))
    assert found.startswith("3 seeds find no difference, however large; spread from")


def test_other_data_and_another_metric_are_no_pilot(storage: Path) -> None:
    plan = fake_grid.plan(storage, study="new")
    assert line(replace(plan, objectives={"boundary_iou": "max"})).startswith("unknown")
    assert power_line(plan, StudyRecord(), small()).startswith("unknown")


def test_the_study_that_differs_least_is_the_pilot(storage: Path) -> None:
    fake_grid.ended_study(
        fake_grid.plan(
            storage, study="other", base=fake_grid.plan(storage).config.changed({"batch": 4})
        )
    )
    plan = fake_grid.plan(storage, study="new")
    assert line(plan).endswith("spread from first: 1 cell on 6 seeds")
    as_other = replace(plan, base={**plan.base, "batch": 4, "optim/lr": 0.5})
    assert line(as_other).endswith("from other (other: optim/lr): 1 cell on 6 seeds")


def test_a_search_bounds_the_power_of_its_confirmation(tmp_path: Path) -> None:
    fake.ended_study(fake.plan(tmp_path))
    found = line(fake.plan(tmp_path, study="new", confirm=(1, 2, 3, 4, 5, 6)))
    assert "find a true difference of at most" in found
    assert "6 trials of a search, on one seed, whose parameters also differ" in found


def test_a_baseline_alone_compares_nothing(storage: Path) -> None:
    plan = fake_grid.plan(storage, study="new")
    assert isinstance(plan.design, Ablation)
    grid = replace(plan.grid, cells=plan.grid.cells[:1])
    assert line(replace(plan, design=replace(plan.design, grid=grid))) == ""
