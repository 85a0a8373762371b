"""Runs far worse than the others of their cell: found, counted, and never a reason to be first."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_spaces import Cell
from study.analysis import health
from study.analysis.outliers import far_below, outliers
from study.analysis.results import results_of
from study.analysis.together import Arm, Together, together
from study.ledger.record import StudyRecord
from study.reporting.sections.together import answer, parts, probability
from tests.study import fake_grid
from tests.study.fake_datasets import ended
from trainables.metrics.catalog import METRICS

NAN, LOST = float("nan"), -24 / 64
UP = tuple(place / 640 for place in range(1, 7))
"""Gains of six seeds; the fourth lost a class in ``FALL``."""
FALL = tuple(LOST if place == 3 else 4 * gain for place, gain in enumerate(UP))
FLAT = tuple(place / 64_000 for place in (3, 1, 4, 1, 5, 9))
MORE = replace(
    fake_grid.GRID,
    cells=(
        *fake_grid.GRID.cells[:2],
        *(
            Cell(name=name, changes={"loss/ar": weight})
            for name, weight in (("a", 1.0), ("b", 2.0))
        ),
    ),
)


@pytest.mark.parametrize(
    ("figures", "far"),
    [
        ([0.9, 0.91, 0.5, 0.92, 0.9], (2,)),
        ([0.9, 0.5, 0.91, 0.6, 0.92, 0.9], (1, 3)),  # two, far from each other
        ([0.9, 0.5, 0.91, 0.5, 0.92], ()),  # three are too few to compare with
        ([0.5, 0.5, 0.5, 0.5, 0.9, 0.91, 0.9, 0.92], ()),  # as many as the others
        ([0.9, 0.91, 0.92, 0.9, 0.98], ()),  # far above
        ([0.0, 8.0, 9.0, 8.5, 9.0], ()),  # a gap of 8 ranges
        ([0.0, 8.1, 9.1, 8.5, 9.0], (0,)),
        ([0.5, 0.9, 0.9, 0.9, 0.9], ()),  # nothing to measure the gap by
        ([0.5, 0.9, 0.91, 0.92, NAN], ()),
        ([], ()),
    ],
)
def test_a_gap_of_eight_ranges_makes_outliers(figures: list[float], far: tuple[int, ...]) -> None:
    assert far_below(dict(enumerate(figures))) == far


def test_six_normal_figures_have_one_in_fewer_than_one_of_a_thousand_cells() -> None:
    draws = np.random.default_rng(1).standard_normal((5000, 6))
    assert sum(bool(far_below(dict(enumerate(draw)))) for draw in draws) <= 5


def on_one_level(gains: Mapping[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """The made-up trainings gain 1/32 from seed to seed; without that, all seeds are alike."""
    return {
        cell: tuple(gain - seed / 32 for seed, gain in enumerate(each))
        for cell, each in gains.items()
    }


def study(
    storage: Path, name: str, good: tuple[float, ...], plain: tuple[float, ...] = FLAT
) -> StudyRecord:
    level = tuple(gain / 2 for gain in UP)
    gains = {"good": good, "plain": plain, "a": level, "b": UP}
    return ended(storage, name, name, on_one_level(gains), MORE)


def test_the_trial_is_named_with_the_figures_of_the_others(tmp_path: Path) -> None:
    record = study(tmp_path, "shapes", FALL)
    (found,) = (each for each in health.findings(results_of(record), {}) if "far" in each.seen)
    assert "1 of 6 runs of good far worse than the others in miou: trial " in found.seen
    (lost,) = (t for t in record.trials.values() if t.cell == "good" and t.seed == 3)
    measured = (lost.tested or {})["test_miou"]
    assert measured is not None
    assert (
        f"trial {lost.number} {100 * measured:.2f} %, the others 38.12 % to 41.25 %" in found.seen
    )
    assert outliers(study(tmp_path, "camvid", UP), "miou") == {}


def test_the_baseline_s_outlier_is_no_other_cell_s(tmp_path: Path) -> None:
    record = study(tmp_path, "shapes", tuple(3 * gain for gain in UP), FALL)
    assert outliers(record, "miou") == {"plain": (3,)}


@pytest.mark.parametrize(("cells", "far"), [(4, {}), (3, {}), (1, {"plain": (2,)})])
def test_a_seed_on_which_most_cells_are_far_worse_is_hard(
    tmp_path: Path, cells: int, far: dict[str, tuple[int, ...]]
) -> None:
    names, hard = ("plain", "good", "a", "b"), tuple(UP[at] - 0.3 * (at == 2) for at in range(6))
    gains = {name: hard if at < cells else UP for at, name in enumerate(names)}
    record = ended(tmp_path, "s", "shapes", on_one_level(gains), MORE)
    assert outliers(record, "miou") == far


def test_a_cell_of_another_level_that_stopped_early_makes_no_outlier(tmp_path: Path) -> None:
    """A median over the cells that ran a seed would move with the cells that did not."""
    low = tuple(-0.2 for _ in UP)
    record = study(tmp_path, "shapes", low)
    stopped = {
        number: trial
        for number, trial in record.trials.items()
        if trial.cell != "good" or trial.seed < 4
    }
    assert outliers(replace(record, trials=stopped), "miou") == {}


def test_where_smaller_is_better_far_above_is_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "miou", METRICS["miou"]._replace(direction="min"))
    rise = tuple(-gain for gain in FALL)
    assert outliers(study(tmp_path, "shapes", rise), "miou") == {"good": (3,)}
    assert outliers(study(tmp_path, "camvid", FALL), "miou") == {}


def collapsed(runs: int) -> tuple[float, ...]:
    return tuple(LOST if place < runs else 4 * gain for place, gain in enumerate(UP))


def pooled(storage: Path, last: tuple[float, ...], plain: tuple[float, ...] = FLAT) -> Together:
    high = tuple(4 * gain for gain in UP)
    records = [study(storage, "shapes", high), study(storage, "camvid", high[::-1])]
    return together([*records, study(storage, "voc2012", last, plain)])


def arm_of(found: Together, cell: str) -> Arm:
    return next(arm for arm in found.arms if arm.cell == cell)


def test_a_dataset_on_which_runs_collapse_counts_as_much_as_the_others(tmp_path: Path) -> None:
    """By its error over seeds, 20 times that of the others, it would have next to no weight."""
    found = [pooled(tmp_path / str(runs), collapsed(runs)) for runs in range(6)]
    chances = [arm_of(each, "good").pooled.p_better for each in found]
    assert chances[0] > 0.9
    assert max(chances[1:]) < 0.6
    effects = [arm_of(each, "good").effects[2] for each in found]
    assert [effect.outliers for effect in effects] == [0, 1, 2, 0, 0, 0]
    arm = arm_of(found[1], "good")
    gains = [effect.gain for effect in arm.effects]
    assert gains == pytest.approx(
        [4 * 3.5 / 640, 4 * 3.5 / 640, (4 * 20 / 640 + LOST) / 6], abs=1e-4
    )
    assert arm.pooled.mean == pytest.approx(sum(gains) / 3)
    low, high = arm.effects[2].interval()
    assert low < -0.1 < 0.1 < high  # over seeds, with the outlier


def test_a_collapse_does_not_blur_what_the_other_cells_have_in_common(tmp_path: Path) -> None:
    found, steady = pooled(tmp_path / "1", collapsed(1)), pooled(tmp_path / "0", collapsed(0))
    for cell in ("a", "b"):
        one, other = (arm_of(each, cell).pooled.p_better for each in (found, steady))
        assert one == pytest.approx(other, abs=0.02)


def test_a_baseline_that_collapses_is_named_and_leaves_the_interval_wide(tmp_path: Path) -> None:
    found = pooled(tmp_path, collapsed(0), collapsed(1))
    assert found.baseline_outliers == {"voc2012": 1}
    for arm in found.arms:
        assert arm.effects[2].gain > 0.04
        assert arm.pooled.low < 0
    assert "1 run of `plain` in voc2012 is an outlier, which raises the gains" in str(parts(found))


def test_the_report_says_how_many_seeds_have_an_outlier(tmp_path: Path) -> None:
    text = str(parts(pooled(tmp_path, collapsed(1))))
    assert "(1 of 6 seeds an outlier)" in text
    assert "An outlier is a run far worse" in text
    assert "utlier" not in str(parts(pooled(tmp_path / "0", collapsed(0))))


def test_cells_that_are_hardly_less_probable_are_named_beside_the_first(tmp_path: Path) -> None:
    found = pooled(tmp_path, collapsed(1))
    first, close = (arm.cell for arm in found.arms[:2])
    chance = probability(found.arms[1].pooled.p_better)
    assert answer(found).startswith(f"Try {first} first: ")
    assert answer(found).endswith(f" Close behind: {close} ({chance}).")
