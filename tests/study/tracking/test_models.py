"""A registered network has a name of its own data, and MLflow itself can load it."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
import torch
from mlflow.pyfunc import scoring_server

from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.tracking import model_files
from study.tracking.entities import trial_key
from study.tracking.models import earlier_name, name_of, register
from study.tracking.sink import MlflowSink
from tests.study import fake, fake_grid
from tests.study.tracking.test_sink import database, empty, no_pictures
from tests.trainables.test_saved import save
from trainables import saved
from trainables.config.pixels import RGB
from trainables.training.prediction import Predictor

__all__ = ["database", "empty"]


def on(
    record: StudyRecord, dataset: str, digest: str, classes: list[str] | None = None
) -> StudyRecord:
    """The record as if its study had run on this dataset."""
    assert record.planned is not None
    data = replace(record.data, dataset=dataset, digest=digest)
    data = replace(data, classes=classes or data.classes)
    return replace(record, planned=replace(record.planned, data=data))


def test_a_model_is_named_after_its_dataset_and_classes(tmp_path: Path) -> None:
    record = fake.begin(fake.plan(tmp_path)).record
    known = name_of(record)
    assert known.startswith("edgewise-shapes-")
    assert name_of(on(record, "shapes", "another version's")) == known
    assert name_of(on(record, "shapes", record.data.digest, ["a", "c"])) != known
    mine = name_of(on(record, "folder", "2-0123456789abcdef"))
    assert mine.startswith("edgewise-folder-")
    assert name_of(on(record, "folder", "2-fedcba9876543210")) != mine
    assert name_of(on(record, "folder", "0123456789abcdef")) == mine  # a digest without version
    assert name_of(on(record, "a_plug_in_s", "2-0123456789abcdef")) != mine


def test_names_of_earlier_versions_stay_known(tmp_path: Path) -> None:
    record = fake.begin(fake.plan(tmp_path)).record
    assert earlier_name(record) == "edgewise-inverseform-shapes"
    assert earlier_name(on(record, "camvid", "2-12345678")) == "edgewise-inverseform-camvid"
    mine = earlier_name(on(record, "folder", "2-0123456789abcdef"))
    assert mine == "edgewise-inverseform-folder-012345"


class _Client:
    """Has versions of models by name and run, and refuses to write."""

    def __init__(self, **runs: str) -> None:
        self._runs = {name.replace("_", "-"): run for name, run in runs.items()}

    def search_model_versions(self, query: str) -> list[SimpleNamespace]:
        name = query.split("'")[1]
        return [SimpleNamespace(run_id=self._runs[name])] if name in self._runs else []


def test_a_version_under_its_earlier_name_is_not_registered_again(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=1)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    client = _Client(edgewise_inverseform_shapes="run 7")
    register(client, {trial_key(0): "run 7"}, ledger.record, tmp_path)


def test_the_network_taken_home_is_of_a_cell_that_is_better(tmp_path: Path) -> None:
    """Though another cell's seed was the luckiest."""
    plan = fake_grid.plan(tmp_path)
    ledger = fake_grid.ended_study(plan)
    results = fake_grid.results(ledger)
    assert results.verdicts["good"] == "better"
    champion = results.champion
    assert champion is not None
    assert (champion.cell, champion.seed) == ("good", 5)
    lucky = next(trial for trial in ledger.record.trials.values() if trial.cell == "plain")
    last = lucky.epochs[lucky.last_epoch]
    lucky.epochs[lucky.last_epoch] = replace(last, metrics={**last.metrics, "miou": 0.99})
    again = fake_grid.results(ledger)
    assert again.ranking[0].cell == "plain"
    assert again.champion is not None
    assert again.champion.cell == "good"


def test_mlflow_loads_a_registered_network_as_edgewise_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fake.plan(tmp_path, trials=1)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    folder = StudyFolder.of(plan).model
    save(folder)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    assert sink.close([], folder) == ""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", plan.tracking_uri)
    name = f"models:/{name_of(ledger.record)}/1"
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 31, 3), dtype=np.uint8)
    network, config, classes = saved.load(folder)
    predictor = Predictor(network, config, torch.device("cpu"))  # what study/predict.py uses
    expected = np.stack([labels for _, labels in predictor.label_maps(images)])
    assert len(np.unique(expected)) > 1
    for where in (name, str(folder)):
        model = mlflow.pyfunc.load_model(where)
        labels = model.predict(images)
        assert labels.tolist() == expected.tolist()
        assert labels.dtype == np.int64
        with pytest.raises(mlflow.MlflowException, match="uint8"):
            model.predict(images.astype(np.float32) / 255)
    assert model.metadata.metadata == {"study": "fake", "classes": ["a", "b"]}
    example = model.input_example
    assert model.predict(example).shape == example.shape[:3]
    # The files are still as saved, their hashes included.
    again = Path(mlflow.artifacts.download_artifacts(name))
    assert saved.load(again)[2] == classes


def test_it_answers_as_mlflow_serves_it(tmp_path: Path) -> None:
    """As `mlflow models serve` and `mlflow models predict` do: JSON in, JSON out."""
    save(tmp_path)
    model_files.write(tmp_path, "mine", ["a", "b"], RGB)
    request = (tmp_path / "serving_input_example.json").read_text()
    model = mlflow.pyfunc.load_model(str(tmp_path))
    schema = model.metadata.get_input_schema()
    answer = scoring_server.invocations(request, "application/json", model, schema)
    assert np.array(json.loads(answer.response)["predictions"]).shape == (1, 32, 32)
