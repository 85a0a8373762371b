"""A study opens in MLflow with its own runs, names and columns."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from search_spaces import Cell, Grid
from study.ledger.record import StudyRecord
from study.tracking.names import run_name
from study.tracking.view import saved_view, study_page
from tests.study import fake, fake_grid
from tests.study.tracking.test_sink import database, empty, project, runs

__all__ = ["database", "empty"]


def state_of(record: StudyRecord) -> dict[str, object]:
    """What MLflow's page of runs reads: an envelope, and in it the state as a text of its own."""
    name, value = saved_view(record)
    view = json.loads(value)
    assert name == "mlflow.sharedViewState.fake"
    assert (view["name"], view["createdAt"]) == ("fake", int(1000 * record.first_time))
    state = json.loads(view["state"])
    assert isinstance(state, dict)
    return state


def test_a_search_is_sorted_by_its_objective_beside_its_parameters(tmp_path: Path) -> None:
    state = state_of(fake.begin(fake.plan(tmp_path)).record)
    assert state["searchFilter"] == "tags.study = 'fake'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`miou`", False)
    columns = state["selectedColumns"]
    assert isinstance(columns, list)
    assert columns[:2] == ["metrics.`miou`", "metrics.`test_miou`"]
    assert {"params.`loss/gamma`", "params.`loss/beta`", "params.`loss/tile`"} <= set(columns)
    assert "tags.`verdict`" not in columns


@pytest.mark.parametrize("metric", ["miou", "hd95"])
def test_what_is_compared_is_sorted_by_its_gain(tmp_path: Path, metric: str) -> None:
    """Of a distance, the largest gain is the most negative difference."""
    mode = {"miou": "max", "hd95": "min"}[metric]
    plan = fake_grid.plan(tmp_path, objectives={metric: mode})
    state = state_of(fake.begin(plan).record)
    assert (state["orderByKey"], state["orderByAsc"]) == (
        f"metrics.`delta_{metric}`",
        mode == "min",
    )
    assert state["selectedColumns"] == [
        "tags.`verdict`",
        f"metrics.`{metric}`",
        f"metrics.`test_{metric}`",
        f"metrics.`delta_{metric}`",
        "metrics.`p_corrected`",
        "params.`loss/lovasz`",
        "params.`loss/ar`",
    ]
    confirmed = fake.plan(tmp_path, study="c", confirm=(1, 2), objectives={metric: mode})
    assert f"delta_{metric}" in saved_view(fake.begin(confirmed).record)[1]


def test_a_view_has_few_weights_however_many_are_searched(tmp_path: Path) -> None:
    paths = ["optim/lr", *(f"loss/lambda_{n}" for n in (1, 2, 3)), "loss/gamma", "loss/beta"]
    paths += ["loss/lovasz", "loss/w_a", "loss/ar", "loss/theta"]
    cells = [Cell(name="plain", changes={})]
    cells += [Cell(name=path, changes={path: 0.001}) for path in paths]
    grid = Grid(name="g", question="?", source="", baseline="plain", cells=tuple(cells))
    state = state_of(fake.begin(fake_grid.plan(tmp_path, grid)).record)
    columns = state["selectedColumns"]
    assert isinstance(columns, list)
    weights = [name for name in columns if name.startswith("params.")]
    assert len(weights) == 8
    assert all("loss/" in name for name in weights)


def test_the_view_is_a_tag_of_the_experiment_and_stays_as_a_user_left_it(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=1)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    assert project(ledger, plan) == ""
    client = MlflowClient(plan.tracking_uri)
    name, value = saved_view(ledger.record)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    assert experiment.tags[name] == value
    client.set_experiment_tag(experiment.experiment_id, name, "mine")
    assert project(ledger, plan) == ""
    assert client.get_experiment(experiment.experiment_id).tags[name] == "mine"
    assert study_page(experiment.experiment_id, "fake") == (
        f"/#/experiments/{experiment.experiment_id}/runs"
        "?viewStateShareKey=fake&workflowType=machine_learning"
    )


def test_a_trial_is_named_by_what_differs(tmp_path: Path) -> None:
    record = fake.ended_study(fake.plan(tmp_path)).record
    trial = record.trials[3]
    trial.params = {"loss/gamma": 0.5812, "loss/tile": 16}
    assert run_name(trial) == "trial 3 · gamma 0.58, tile 16"
    trial.params |= {"loss/distance": "geodesic", "optim/lr": 0.00123}
    assert run_name(trial) == "trial 3 · gamma 0.58, tile 16, distance geodesic, .."
    trial.params = {}
    assert run_name(trial) == "trial 3"
    trial.cell, trial.seed = "lovasz", 4
    assert run_name(trial) == "lovasz · seed 4"
    trial.phase = "search"
    assert run_name(trial) == "lovasz · search 3"
    trial.cell = "x" * 300
    assert len(run_name(trial)) <= 250  # MLflow's column


def test_runs_with_older_names_are_renamed_not_doubled(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=1)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    assert project(ledger, plan) == ""
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.trial = '0'")
    client.set_tag(run.info.run_id, "mlflow.runName", "trial-0000")
    assert project(ledger, plan) == ""
    assert set(runs(plan)) == {None, "0"}
    assert client.get_run(run.info.run_id).info.run_name == run_name(ledger.record.trials[0])


def test_a_study_of_several_tasks_has_a_column_for_each(tmp_path: Path) -> None:
    """Segmentation alone has none of these: see the columns above."""
    both = {"task/tasks": "semseg,edge"}
    alone = Cell(name="E", changes={"task/tasks": "edge"}, against="E")
    cells = (Cell(name="S", changes={}), alone, Cell(name="S+E", changes=both))
    grid = Grid(name="g", question="?", source="", baseline="S", cells=cells)
    columns = state_of(fake.begin(fake_grid.plan(tmp_path, grid)).record)["selectedColumns"]
    assert isinstance(columns, list)
    assert columns[-3:-1] == ["metrics.`test_ods_f`", "metrics.`test_delta_m`"]
