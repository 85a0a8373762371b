"""Every metric is described: direction, unit, range and source."""

import ast
import math
from pathlib import Path

import pytest

from trainables.config import TrialConfig, flatten
from trainables.config.tasks import TASKS
from trainables.metrics import catalog
from trainables.metrics.catalog import (
    METRICS,
    OF_TASK,
    TOLERANCES_PX,
    TRIMAP_WIDTHS_PX,
)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_a_direction_a_unit_a_range_and_a_source(name: str) -> None:
    metric = METRICS[name]

    assert metric.direction in ("max", "min")
    assert metric.unit
    assert metric.low < metric.high
    assert len(metric.source) > 10


@pytest.mark.parametrize("name", METRICS)
def test_what_a_metric_needs_is_a_field_or_a_kind_of_data(name: str) -> None:
    fields, kinds = {"", "eval/surface", "eval/holes"}, {"", "volume", "film"}

    assert METRICS[name].field in fields
    assert METRICS[name].series in kinds
    assert METRICS[name].task in TASKS
    others = METRICS[name].task != "semseg"
    assert OF_TASK[METRICS[name].task] == name or not others
    assert METRICS[name].of_cells == (name == "delta_m")
    known = [METRICS[name].field, METRICS[name].series, others, METRICS[name].of_cells]
    assert len(METRICS[name].needs) == sum(map(bool, known))
    assert METRICS[name].field in flatten(TrialConfig()) or not METRICS[name].field


def test_errors_and_distances_are_minimised_and_the_rest_maximised() -> None:
    errors = {"hausdorff", "hd95", "assd", "depth_rmse", "normals_mean_angle"}
    errors |= {"hausdorff_slice", "hausdorff_volume", "hd95_volume"}
    errors |= {"hole_area", "holes", "islands", "ece", "brier", "davis_j_decay", "davis_f_decay"}

    minimised = {name for name, m in METRICS.items() if m.direction == "min"}

    assert minimised == errors
    units = ("degree", "of 2")  # a Brier score sums over classes
    assert all(math.isinf(m.high) or m.high == 1 or m.unit in units for m in METRICS.values())


def test_tolerances_and_bands_are_the_papers() -> None:
    assert TOLERANCES_PX == (1, 3, 5)  # ABL, Table 6
    assert TRIMAP_WIDTHS_PX == tuple(range(1, 11))  # SEMEDA, Figure 5


def test_the_catalog_is_read_without_torch() -> None:
    tree = ast.parse(Path(catalog.__file__).read_text())

    modules = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert modules == {"math", "typing"}
