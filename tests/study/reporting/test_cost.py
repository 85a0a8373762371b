"""The cost of networks in use: in the report, the CSV table, MLflow and a figure."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study.analysis.costs import cost_key
from study.analysis.results import AblationResults
from study.ledger.events import Ended, Finished, NetworkMeasured
from study.ledger.ledger import Ledger
from study.planning.runs import grid_runs
from study.reporting import table_files
from study.reporting.figures.efficiency import efficiency
from study.reporting.figures.style import cell_groups
from study.tracking.trial_runs import trial_run
from tests.study import fake, fake_grid, reports
from trainables.config import TrialConfig, flatten
from trainables.config.later_fields import without_defaults


def studied(tmp_path: Path, field: str = "model/width", measured: bool = True) -> Ledger:
    """``plain`` and ``good`` differ in one field."""
    cells = tuple(
        replace(cell, changes={field: value})
        for cell, value in zip(fake_grid.GRID.cells[:2], (8, 16), strict=True)
    )
    plan = fake_grid.plan(tmp_path, grid=replace(fake_grid.GRID, cells=cells))
    ledger = fake.begin(plan)
    for place, run in enumerate(grid_runs(plan)):
        fake_grid.start(ledger, run)
        fake_grid.epochs(ledger, run)
        ledger.append(Finished(trial=run.number, state="complete"))
        key = cost_key(run.config)
        if measured and key not in ledger.record.networks:
            millions = place + 1
            ledger.append(
                NetworkMeasured(
                    key=key,
                    parameters=millions * 10**6,
                    gflops=3.5 * millions,
                    milliseconds=20.0 * millions,
                    size=[8, 8],
                    device="cpu",
                )
            )
    fake_grid.measure_all(ledger)
    ledger.append(Ended())
    return Ledger(ledger.path)


def test_each_cell_has_its_network_s_cost(tmp_path: Path) -> None:
    ledger = studied(tmp_path)
    text = reports.markdown(ledger.record, tmp_path)
    assert "| plain | 1.00 | 3.5 | 20.0 | - |" in text
    assert "| good | 2.00 | 7 | 40.0 | - |" in text
    rows = csv.DictReader(io.StringIO(table_files.comma_separated(fake_grid.results(ledger))))
    good = next(row for row in rows if (row["cell"], row["metric"]) == ("good", "miou"))
    assert (good["parameters"], good["gflops"], good["ms_per_image"]) == ("2000000", "7.0", "40.0")
    assert good["peak_megabytes"] == ""
    trial = ledger.record.trials[0]
    points = {point.name: point.value for point in trial_run(ledger.record, trial).late}
    assert (points["parameters"], points["gflops"]) == (10**6, 3.5)
    assert "peak_megabytes" not in points


def test_the_report_says_how_the_image_was_predicted(tmp_path: Path) -> None:
    ledger = studied(tmp_path)
    older = {"key": "k", "parameters": 1, "gflops": 1.0, "milliseconds": 1.0, "size": [8, 8]}
    event = NetworkMeasured.from_json({**older, "device": "cpu"})
    assert event.evaluated == "single scale, whole images", "so all older ones were"
    for key, cost in ledger.record.networks.items():
        said = replace(cost, evaluated="2 scales 0.5..1 and mirrored, whole images")
        ledger.record.networks[key] = said
    text = reports.markdown(ledger.record, tmp_path)
    assert "8 x 8 px on cpu (2 scales 0.5..1 and mirrored, whole images)" in text


def test_an_older_study_has_none(tmp_path: Path) -> None:
    ledger = studied(tmp_path, measured=False)
    assert "Cost in use" not in reports.markdown(ledger.record, tmp_path)
    assert "gflops" not in table_files.comma_separated(fake_grid.results(ledger))


def test_the_figure_shows_means_over_costs_where_networks_differ(tmp_path: Path) -> None:
    results = AblationResults(studied(tmp_path).record)
    figure = efficiency(results, cell_groups(results))
    assert figure is not None
    large = figure.axes[0].collections[1::2]
    means = [np.asarray(points.get_offsets())[0].tolist() for points in large]
    test_means = [100 * row.mean for row in results.tables[0].rows if row.mean is not None]
    assert means == [[3.5, pytest.approx(test_means[0])], [7.0, pytest.approx(test_means[1])]]


def test_equal_networks_have_no_figure_and_one_cost(tmp_path: Path) -> None:
    ledger = studied(tmp_path, field="batch")
    assert len(ledger.record.networks) == 1
    results = AblationResults(ledger.record)
    assert efficiency(results, cell_groups(results)) is None


def test_what_later_versions_added_leaves_the_keys_of_older_ledgers() -> None:
    """A line of an older ledger is read with the defaults of today's fields."""
    config = flatten(TrialConfig())
    assert cost_key(config) == cost_key(without_defaults(config))
    taught = {**config, "model/network": "hms", "model/test_attention_scales": "0.5,1"}
    assert cost_key(taught) != cost_key({**taught, "model/test_attention_scales": "1"})
