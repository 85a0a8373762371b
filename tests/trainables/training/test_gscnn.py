"""GSCNN in training: its losses, ranks, resumes, and a shape stream that no loss is on."""

from functools import cache
from pathlib import Path

import pytest
import torch

from tests.processes import on_ranks
from tests.trainables.training.test_training import dataset
from trainables.config import TrialConfig, Value
from trainables.data import Dataset
from trainables.losses.batch import Learned
from trainables.training.epoch_summary import Diverged
from trainables.training.training import Training

BASE: dict[str, Value] = {
    "data/train_images": 3,
    "data/val_images": 2,
    "data/test_images": 1,
    "data/height": 64,
    "data/width": 64,
    "model/network": "gscnn",
    "model/encoder": "test_efficientnet",
    "loss/class_weights": "frequency",
    "loss/beta": 20.0,
    "loss/edge_attention": 1.0,
    "loss/edge_attention_on": "probability",
    "loss/dual_task": 1.0,
    "optim/optimizer": "sgd",
    "optim/lr": 0.001,
    "batch": 3,
    "epochs": 2,
}
TERMS = {"cross_entropy", "boundary_cross_entropy", "edge_attention", "dual_task"}


def config(**changes: Value) -> TrialConfig:
    return TrialConfig().changed({**BASE, **changes})


@cache
def scenes() -> Dataset:
    return dataset(config())


def training(**changes: Value) -> Training:
    return Training(config(**changes), scenes(), Learned(), torch.device("cpu"))


def epoch(run: Training) -> dict[str, float]:
    found = run.train_epoch()
    assert not isinstance(found, Diverged)
    return found


def _rank_main(rank: int, ranks: int, folder: str) -> None:
    torch.set_num_threads(1)
    run = training()
    with torch.no_grad():
        run.network.get_parameter("network.shapes.last.weight").mul_(40)  # sure of some boundaries
    metrics = epoch(run)
    terms = run.evaluate(with_terms=True).terms
    gradients = {name: weight.grad for name, weight in run.network.named_parameters()}
    if rank == 0:
        found = {"metrics": metrics, "terms": dict(terms), "gradients": gradients}
        torch.save(found, f"{folder}/{ranks}.pt")


def test_two_ranks_give_what_one_gives(tmp_path: Path) -> None:
    """Batch norms of one value see both ranks' images, and every loss divides by their counts."""
    _rank_main(0, 1, str(tmp_path))
    on_ranks(2, tmp_path, _rank_main, 2, str(tmp_path))
    one, two = (torch.load(tmp_path / f"{ranks}.pt", weights_only=True) for ranks in (1, 2))
    assert {f"train/{name}" for name in TERMS} < one["metrics"].keys()
    assert all(one["metrics"][f"train/{name}"] > 0 for name in TERMS)
    assert one["metrics"] == pytest.approx(two["metrics"], rel=1e-4)
    assert one["terms"].keys() == {f"val/{name}" for name in TERMS}
    assert one["terms"] == pytest.approx(two["terms"], rel=1e-3)
    rounding = 1e-6 * max(gradient.abs().max() for gradient in one["gradients"].values())
    for name, gradient in one["gradients"].items():
        other, scale = two["gradients"][name], gradient.abs().max()
        if scale < rounding:  # a bias before a batch norm
            assert other.abs().max() < rounding, name
        else:
            assert torch.allclose(gradient, other, rtol=1e-3, atol=1e-3 * scale), name


def test_a_resumed_training_is_an_uninterrupted_one() -> None:
    whole = training()
    expected = [epoch(whole) for _ in "12"]
    first, second = training(), training()
    found = [epoch(first)]
    second.load(first.save())
    assert [*found, epoch(second)] == expected


def test_a_shape_stream_without_a_loss_learns_from_the_segmentation() -> None:
    bare: dict[str, Value] = {name: 0.0 for name in ("loss/beta", "loss/edge_attention")}
    run = training(**bare, **{"loss/dual_task": 0.0})
    epoch(run)
    weights = dict(run.network.named_parameters())
    assert all(weight.grad is not None for weight in weights.values())
    assert weights["network.shapes.last.weight"].grad.abs().sum() > 0  # type: ignore[union-attr]
    assert not run.network.network.unused_parameters
