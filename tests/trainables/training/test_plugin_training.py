"""A trial with a plug-in's four tables: two ranks as one, resumed as uninterrupted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from study.planning.plugin import read_plugin
from tests.processes import on_ranks
from tests.trainables.training.test_training import CPU, config
from trainables import plugin
from trainables.config import TrialConfig
from trainables.data import load
from trainables.data.batches import training_batches
from trainables.losses.batch import Learned
from trainables.training.plugin_counts import PluginCounts
from trainables.training.training import Training

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "my_training.py"
CHANGES: dict[str, float | str] = {
    "loss/beta": 0.0,
    "loss/gamma": 0.0,
    "optim/optimizer": "lion",
    "optim/schedule": "steps",
    "optim/lr": 1e-3,
    "optim/head_lr": 2.0,
    "data/noise": 0.5,
    "data/rotate": 20.0,
    "data/color_jitter": 0.5,
    "data/elastic": 2.0,
    "data/grid_distortion": 0.2,
    "data/flip_vertical": True,
    "epochs": 3,
}


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    plugin.install(read_plugin(str(EXAMPLE)))
    yield
    plugin.uninstall()


def trial() -> TrialConfig:
    installed = plugin.installed()
    assert installed is not None
    return config(**{**CHANGES, "parts": installed.digest})


def training() -> Training:
    chosen = trial()
    return Training(chosen, load(chosen.data.unaugmented()), Learned(), CPU)


def test_resumed_is_uninterrupted() -> None:
    whole, begun, resumed = training(), training(), training()
    for _ in range(3):
        whole.train_epoch()
    begun.train_epoch()
    resumed.load(begun.save())
    for _ in range(2):
        resumed.train_epoch()
    states = whole.network.state_dict().values(), resumed.network.state_dict().values()
    assert all(map(torch.equal, *states))
    assert whole.evaluate().metrics == resumed.evaluate().metrics


def test_its_metric_is_that_of_the_predictions() -> None:
    run = training()
    run.train_epoch()
    found = run.evaluate()
    labels_NHW = np.asarray(run.dataset.splits["val"].labels_NHW)[:4]
    for counts, predicted, labels in zip(
        found.plugin_counts["mean_recall"], found.predictions, labels_NHW, strict=False
    ):
        right = [int(((predicted == k) & (labels == k)).sum()) for k in range(6)]
        assert counts.tolist() == [*right, *(int((labels == k).sum()) for k in range(6))]
    right_K, all_K = np.split(found.plugin_counts["mean_recall"].sum(axis=0), 2)
    occurs = all_K > 0
    assert found.metrics["mean_recall"] == np.mean(right_K[occurs] / all_K[occurs])


def _rank(rank: int, folder: str) -> None:
    plugin.install(read_plugin(str(EXAMPLE)))
    found = training().evaluate()
    if rank == 0:
        content = [found.metrics, torch.from_numpy(found.plugin_counts["mean_recall"])]
        torch.save(content, Path(folder) / "two.pt")


@pytest.mark.slow
def test_two_ranks_measure_exactly_as_one(tmp_path: Path) -> None:
    on_ranks(2, tmp_path, _rank, str(tmp_path))
    metrics, counts_NC = torch.load(tmp_path / "two.pt")
    one = training().evaluate()
    assert torch.equal(counts_NC, torch.from_numpy(one.plugin_counts["mean_recall"]))
    assert metrics["mean_recall"] == one.metrics["mean_recall"]


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_shares_of_ranks_add_up_to_the_list(ranks: int) -> None:
    draw = torch.Generator().manual_seed(0)
    labels_BHW = torch.randint(0, 6, (7, 8, 9), generator=draw)
    predicted_BHW = torch.randint(0, 6, (7, 8, 9), generator=draw)
    totals = []
    for rows in [np.arange(7), *(np.arange(7)[rank::ranks] for rank in range(ranks))]:
        table = PluginCounts(7, 6, CPU)
        table.add(rows, predicted_BHW[rows], labels_BHW[rows])
        totals.append(table.total()["mean_recall"])
    assert totals[0].any(axis=1).all()
    assert np.array_equal(totals[0], sum(totals[1:]))


def test_two_ranks_see_the_images_of_one() -> None:
    chosen = trial()
    images = load(chosen.data.unaugmented()).splits["train"]

    def seen(rank: int, ranks: int) -> list[torch.Tensor]:
        batches = training_batches(
            images, chosen.data, batch=4, seed=0, epoch=2, rank=rank, ranks=ranks
        )
        return [image for made in batches for image in made.images_BCHW]

    one = seen(0, 1)
    assert all(map(torch.equal, one[0::2], seen(0, 2)))
    assert all(map(torch.equal, one[1::2], seen(1, 2)))
