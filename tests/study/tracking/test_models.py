"""A registered network has a name of its own data, and MLflow itself can load it."""

from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.tracking.models import name_of
from study.tracking.sink import MlflowSink
from tests.study import fake
from tests.study.tracking.test_sink import database, empty, no_pictures
from tests.trainables.test_saved import save
from trainables import saved

__all__ = ["database", "empty"]


def on(record: StudyRecord, dataset: str, digest: str) -> StudyRecord:
    """The record as if its study had run on this dataset."""
    assert record.planned is not None
    data = replace(record.data, dataset=dataset, digest=digest)
    return replace(record, planned=replace(record.planned, data=data))


def test_folders_of_two_users_share_no_model(tmp_path: Path) -> None:
    record = fake.begin(fake.plan(tmp_path)).record
    assert name_of(record) == "edgewise-inverseform-shapes"
    assert name_of(on(record, "camvid", "2-12345678")) == "edgewise-inverseform-camvid"
    mine = name_of(on(record, "folder", "2-0123456789abcdef"))
    assert mine == "edgewise-inverseform-folder-012345"
    assert name_of(on(record, "folder", "2-fedcba9876543210")) != mine
    assert name_of(on(record, "folder", "0123456789abcdef")) == mine  # a digest without version
    assert name_of(on(record, "a_plug_in_s", "2-0123456789abcdef")).endswith("-a_plug_in_s-012345")


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
    images = np.random.default_rng(0).random((2, 3, 16, 24), dtype=np.float32)
    labels = mlflow.pyfunc.load_model(name).predict(images)
    network, _, classes = saved.load(folder)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).logits_BKHW.argmax(dim=1)
    assert labels.tolist() == expected.tolist()
    assert labels.shape == (2, 16, 24)
    # The files are still as saved, their hashes included.
    again = Path(mlflow.artifacts.download_artifacts(name))
    assert saved.load(again)[2] == classes
