"""Delta_m against the public code, and by hand."""

import math

import pytest

from tests.trainables.metrics.conftest import Golden
from trainables.metrics.other_tasks.delta_m import delta_m

METRIC_OF_TASK = {
    "semseg": "miou",
    "edge": "ods_f",
    "depth": "depth_rmse",
    "normals": "normals_mean_angle",
    "sal": "saliency_miou",
    "human_parts": "parts_miou",
}


def test_delta_m_equals_the_public_code(golden_misc: Golden) -> None:
    indices = sorted({key.split("/")[1] for key in golden_misc if key.startswith("delta_m/")})
    assert indices
    for index in indices:
        names = [METRIC_OF_TASK[str(task)] for task in golden_misc[f"delta_m/{index}/tasks"]]
        multi, single = (
            dict(zip(names, golden_misc[f"delta_m/{index}/{part}"].tolist(), strict=True))
            for part in ("multi", "single")
        )
        expected = float(golden_misc[f"delta_m/{index}/value"])
        assert delta_m(multi, single) == pytest.approx(expected, abs=1e-12)


def test_delta_m_is_positive_for_less_error_and_for_more_overlap() -> None:
    single = {"miou": 0.5, "depth_rmse": 0.8}

    # 10 % more overlap and 20 % less error: 15 % on average.
    assert delta_m({"miou": 0.55, "depth_rmse": 0.64}, single) == pytest.approx(0.15)
    assert delta_m({"miou": 0.5, "depth_rmse": 1.6}, single) == pytest.approx(-0.5)


def test_delta_m_of_nothing_comparable() -> None:
    assert math.isnan(delta_m({"miou": 0.5}, {"miou": 0.0}))
    assert math.isnan(delta_m({"miou": math.nan}, {"miou": 0.5}))
    with pytest.raises(ValueError, match="must hold the same metrics"):
        delta_m({"miou": 0.5}, {"ods_f": 0.5})
    with pytest.raises(ValueError, match=r"metric must be one of .*, got 'rmse'"):
        delta_m({"rmse": 0.5}, {"rmse": 0.5})
