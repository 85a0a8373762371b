"""The charts of a study's run are learning curves, whose points are written once."""

from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from search_spaces import Cell, Grid
from study.analysis.results import results_of
from study.ledger.events import Ended, Tested
from study.tracking import names
from study.tracking.curves import curves
from study.tracking.runs import study_run
from study.tracking.sink import MlflowSink
from tests.study import fake, fake_grid
from tests.study.tracking.test_description import study_of
from tests.study.tracking.test_sink import database, empty, no_pictures, project, wait_for

__all__ = ["database", "empty"]


def test_each_cell_has_its_mean_and_its_range_by_epoch(tmp_path: Path) -> None:
    """Written by two connections, no point is doubled."""
    plan = fake_grid.plan(tmp_path)
    ledger = fake_grid.ended_study(plan)
    for _ in range(2):
        assert project(ledger, plan) == ""
    run, client = study_of(plan), MlflowClient(plan.tracking_uri)
    # 1/4 + seed/32 + 1/32 (cell) + epoch/64, seeds 0 .. 5
    base = {"lowest": 0.28125, "": 0.359375, "highest": 0.4375}
    for suffix, value in base.items():
        name = f"miou_by_epoch/good {suffix}".strip()
        history = client.get_metric_history(run.info.run_id, name)
        points = [(point.step, point.value) for point in history]
        assert points == [(epoch, value + epoch / 64) for epoch in (1, 2, 3, 4)]
    assert set(run.data.metrics) == {
        f"miou_by_epoch/{cell}{suffix}"
        for cell in ("plain", "good")
        for suffix in ("", " lowest", " highest")
    }


def test_a_search_has_its_winner_s_curve(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    record = fake.ended_study(plan).record
    best = results_of(record).best
    assert best is not None
    points = curves(results_of(record))
    assert {point.name for point in points} == {"miou"}
    expected = [fake.miou(best.params, epoch) for epoch in range(1, fake.EPOCHS + 1)]
    assert [point.value for point in points] == expected
    tags = study_run(record).tags
    assert tags["best.miou"] == f"{best.value('miou'):.4f}"
    assert tags["best_trial"] == str(best.number)


def test_the_winner_s_test_figures_are_on_its_own_run(tmp_path: Path) -> None:
    """Measured while MLflow has the trial's run already, as complete."""
    plan = fake.plan(tmp_path, trials=2)
    ledger = fake.begin(plan)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    fake.complete(ledger, plan, 0)
    fake.complete(ledger, plan, 1)
    wait_for(sink)
    best = results_of(ledger.record).best
    assert best is not None
    measured = {"test_miou": 0.123456, "test_dice": 0.25, "test_classes_scored": 6.0}
    ledger.append(Tested(trial=best.number, metrics=measured))
    ledger.append(Ended())
    assert sink.close([]) == ""
    study, client = study_of(plan), MlflowClient(plan.tracking_uri)
    assert study.data.metrics == {"miou": best.metrics["miou"]}
    assert study.data.tags["best.test_miou"] == "0.1235"
    found = client.search_runs([study.info.experiment_id], f"tags.trial = '{best.number}'")
    assert found[0].data.metrics.keys() >= {"miou", "test_miou", "test_dice"}
    assert "test_classes_scored" not in found[0].data.metrics


def test_a_study_that_may_go_on_has_no_curve_yet(tmp_path: Path) -> None:
    """MLflow would keep the values of fewer seeds beside the later ones."""
    record = fake_grid.ended_study(fake_grid.plan(tmp_path)).record
    assert curves(results_of(record))
    assert curves(results_of(replace(record, ended=False))) == []


def test_a_seed_that_failed_is_in_no_mean(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path, seeds=(0, 1))
    record = fake_grid.ended_study(plan).record
    record.trials[1].state = "failed"
    values = {p.step: p.value for p in curves(results_of(record)) if p.name.endswith("/good")}
    of_cell = [t for t in record.trials.values() if t.cell == "good" and t.state == "complete"]
    expected = [sum(t.epochs[4].metrics["miou"] for t in of_cell) / len(of_cell)]  # type: ignore[misc]
    assert [values[4]] == expected


def test_names_that_mlflow_would_confuse_stay_apart(tmp_path: Path) -> None:
    assert names.distinct(["a+b", "a_b", "a b"]) == ["a_b", "a_b_", "a b"]
    assert len({name[:250] for name in names.distinct(["x" * 300, "x" * 301])}) == 2
    cells = (
        Cell(name="plain", changes={}),
        Cell(name="good", changes={"loss/lovasz": 1.0}),
        Cell(name="a/b+c", changes={"loss/lovasz": 2.0}),
        Cell(name="a_b_c", changes={"loss/lovasz": 3.0}),
    )
    grid = Grid(name="g", question="?", source="", baseline="plain", cells=cells)
    plan = fake_grid.plan(tmp_path, grid, seeds=(0,))
    ledger = fake_grid.ended_study(plan)
    assert project(ledger, plan) == ""
    run = study_of(plan)
    assert {"miou_by_epoch/a_b_c", "miou_by_epoch/a_b_c_"} <= set(run.data.metrics)
    verdicts = [name for name in run.data.tags if name.startswith("verdict.")]
    assert len(verdicts) == 4


@pytest.mark.parametrize(
    "name", ["classes_scored", "test_contours_scored", "trimap_miou_inside_1px"]
)
def test_bookkeeping_is_no_metric(name: str) -> None:
    assert names.shown({name: 1.0, "miou": 0.5, "test_miou": 0.5}) == {
        "miou": 0.5,
        "test_miou": 0.5,
    }
