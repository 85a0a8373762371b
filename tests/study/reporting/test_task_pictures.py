"""Pictures of all tasks beside the truth, of predictions that equal it and of no segmentation."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.analysis.results import SearchResults
from study.ledger.study_folder import StudyFolder
from study.reporting.pictures import epochs, tasks
from study.reporting.sections import plots
from tests.study import fake, reports
from trainables.config import DataConfig
from trainables.config.tasks import TaskName
from trainables.data import Dataset, load
from trainables.training.predictions import TaskMap, as_stored

SHOWN: tuple[TaskName, ...] = ("edge", "depth", "normals", "saliency")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    config = DataConfig(
        height=48,
        width=64,
        train_images=1,
        val_images=2,
        test_images=1,
        targets=",".join(SHOWN),
    )
    return load(config)


def exact(dataset: Dataset, task: TaskName) -> list[TaskMap]:
    """The true maps, stored as predictions are."""
    maps = [np.asarray(map_, dtype=np.float32) for map_ in dataset.splits["val"].targets[task]]
    shaped = [m.transpose(2, 0, 1) if task == "normals" else m[None] for m in maps]
    known = [np.where(m == 255, 0, m) if task in ("edge", "saliency") else m for m in shaped]
    return [as_stored(task, m) for m in known]


def test_an_exact_prediction_has_the_colours_of_the_truth(dataset: Dataset, tmp_path: Path) -> None:
    predicted = {task: exact(dataset, task) for task in SHOWN}

    paths = tasks.draw(dataset, predicted, tmp_path)

    assert len(paths) == 2
    assert all(path.name.endswith("~tasks.png") for path in paths)
    sheet = np.asarray(Image.open(paths[0])).astype(int)
    height, width = sheet.shape[0] // len(SHOWN), sheet.shape[1] // 3
    for place, task in enumerate(SHOWN):
        row = sheet[place * height + 18 : (place + 1) * height]
        true, found = row[:, width : 2 * width], row[:, 2 * width : 3 * width]
        # Missing values are grey in the truth alone; a stored value is rounded.
        same = np.abs(true - found).max(axis=2) <= 3
        assert same.mean() > 0.7, task
        other = np.abs(true - np.roll(found, width // 3, axis=1)).max(axis=2) <= 3
        assert same.mean() > other.mean()


def test_a_report_shows_the_tasks_and_their_pictures(tmp_path: Path) -> None:
    ledger = fake.ended_study(fake.plan(tmp_path))
    results = SearchResults(ledger.record)
    assert results.best is not None
    folder = StudyFolder(tmp_path)
    assert plots.tasks(results, folder) == []
    assert "tasks: " not in reports.markdown(results.record, tmp_path)
    drawn = folder.pictures(results.best.number)
    drawn.mkdir(parents=True)
    for name in ("a.png", "a~tasks.png", "b~tasks.png", "b~tasks-1.png", "by~epoch.png"):
        (drawn / name).touch()
    results.best.config["task/tasks"] = "semseg,depth"

    text = reports.markdown(results.record, tmp_path)

    assert "## Tasks" in text
    assert [name in text for name in ("a~tasks.png", "b~tasks-1.png", "/a.png")] == [1, 1, 0]
    assert "- tasks: semseg | semseg, depth" in text


def test_nothing_is_drawn_without_predictions(dataset: Dataset, tmp_path: Path) -> None:
    assert tasks.draw(dataset, {}, tmp_path) == []
    epochs.draw(dataset, {1: [], 2: []}, tmp_path)
    assert not list(tmp_path.iterdir())
