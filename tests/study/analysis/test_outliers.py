"""Runs far worse than the others of their cell: found, counted, and never a reason to be first."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_spaces import Cell
from study.analysis import health
from study.analysis.outliers import far_below, outliers
from study.analysis.results import results_of
from study.analysis.together import Together, together
from study.ledger.record import StudyRecord
from study.reporting.sections.together import parts
from tests.study import fake_grid
from tests.study.fake_datasets import ended
from trainables.metrics.catalog import METRICS

NAN, LOST = float("nan"), -24 / 64
UP = tuple(place / 640 for place in range(1, 7))
"""Gains of six seeds; the fourth lost a class in ``FALL``."""
FALL = tuple(LOST if place == 3 else 4 * gain for place, gain in enumerate(UP))
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


def study(
    storage: Path, name: str, good: tuple[float, ...], plain: tuple[float, ...] = (0.0,) * 6
) -> StudyRecord:
    level = tuple(gain / 2 for gain in UP)
    gains = {"good": good, "plain": plain, "a": level, "b": UP}
    return ended(storage, name, name, gains, MORE)


def test_the_trial_is_named_with_the_figures_of_the_others(tmp_path: Path) -> None:
    record = study(tmp_path, "shapes", FALL)
    (found,) = (each for each in health.findings(results_of(record), {}) if "far" in each.seen)
    assert "1 of 6 runs of good far worse than the others in miou: trial " in found.seen
    (lost,) = (t for t in record.trials.values() if t.cell == "good" and t.seed == 3)
    measured = (lost.tested or {})["test_miou"]
    assert measured is not None
    assert (
        f"trial {lost.number} {100 * measured:.2f} %, the others 38.12 % to 56.88 %" in found.seen
    )
    assert outliers(study(tmp_path, "camvid", UP), "miou") == {}


def test_the_baseline_s_outlier_is_no_other_cell_s(tmp_path: Path) -> None:
    record = study(tmp_path, "shapes", tuple(3 * gain for gain in UP), FALL)
    assert outliers(record, "miou") == {"plain": (3,)}


def test_a_seed_that_is_hard_for_all_cells_makes_none(tmp_path: Path) -> None:
    hard = [tuple(g - (0.3 if at == 2 else 0) for at, g in enumerate(UP)) for _ in range(4)]
    gains = dict(zip(("plain", "good", "a", "b"), hard, strict=True))
    gains["good"] = tuple(2 * gain for gain in gains["good"][:2]) + gains["good"][2:]
    assert outliers(ended(tmp_path, "s", "shapes", gains, MORE), "miou") == {}


def test_where_smaller_is_better_far_above_is_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METRICS, "miou", METRICS["miou"]._replace(direction="min"))
    rise = tuple(-gain for gain in FALL)
    assert outliers(study(tmp_path, "shapes", rise), "miou") == {"good": (3,)}
    assert outliers(study(tmp_path, "camvid", FALL), "miou") == {}


def pooled(storage: Path, last: tuple[float, ...]) -> Together:
    high = tuple(4 * gain for gain in UP)
    gains = {"shapes": high, "camvid": high[::-1], "voc2012": last}
    return together([study(storage / str(last[3]), name, good) for name, good in gains.items()])


def test_a_dataset_on_which_a_run_collapses_has_full_weight(tmp_path: Path) -> None:
    """Its error over seeds, 20 times that of the other datasets, would leave it none."""
    found = pooled(tmp_path, FALL)
    arm = next(arm for arm in found.arms if arm.cell == "good")
    gains = [effect.gain for effect in arm.effects]
    assert gains == pytest.approx([4 * 3.5 / 640, 4 * 3.5 / 640, (4 * 17 / 640 + LOST) / 6])
    assert arm.pooled.mean == pytest.approx(sum(gains) / 3, abs=0.001)
    assert [effect.outliers for effect in arm.effects] == [0, 0, 1]
    low, high = arm.effects[2].interval()
    assert low < -0.1
    assert high > 0.1  # over seeds the interval has the outlier
    assert found.arms[-1] == arm
    assert arm.pooled.p_better < 0.6
    steady = pooled(tmp_path, tuple(4 * gain for gain in UP))
    assert all(arm.pooled.p_better > 0.9 for arm in steady.arms)


def test_outliers_do_not_blur_what_the_other_cells_have_in_common(tmp_path: Path) -> None:
    found, steady = pooled(tmp_path, FALL), pooled(tmp_path, tuple(4 * gain for gain in UP))
    for cell in ("a", "b"):
        one, other = (next(a for a in each.arms if a.cell == cell) for each in (found, steady))
        assert one.pooled.p_better == pytest.approx(other.pooled.p_better, abs=0.02)


def test_the_report_says_how_many_seeds_have_an_outlier(tmp_path: Path) -> None:
    text = str(parts(pooled(tmp_path, FALL)))
    assert "(1 of 6 seeds an outlier)" in text
    assert "An outlier is a run far worse" in text
