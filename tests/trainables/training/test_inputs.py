"""Training with maps as inputs: ranks, resumes, and what saved networks are predicted with."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.processes import on_ranks
from trainables import saved
from trainables.config import TrialConfig, Value
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.prediction import Given, Predictor
from trainables.training.training import Training

CPU = torch.device("cpu")
TINY: dict[str, Value] = {
    "data/train_images": 4,
    "data/val_images": 2,
    "data/test_images": 2,
    "data/height": 32,
    "data/width": 48,
    "data/inputs": "depth,normals",
    "data/scale_max": 1.3,
    "model/width": 4,
    "batch": 4,
    "epochs": 2,
    "eval/flip": True,
    "eval/scales": "0.5,1",
}
GATES: dict[str, Value] = {
    "model/network": "sa_gate",
    "model/encoder": "mobilenetv3_small_050",
    "data/inputs": "depth",
}


def training(**changes: Value) -> Training:
    config = TrialConfig().changed({**TINY, **changes})
    return Training(config, load(config.data), Learned(), CPU)


def _rank_main(rank: int, ranks: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name, changes in (("tiny", {}), ("sa_gate", GATES)):
        run = training(**changes)
        losses = run.train_epoch()
        found = run.evaluate("test")
        gradients = {path: weight.grad for path, weight in run.network.named_parameters()}
        if rank == 0:
            content = {"losses": losses, "loss": found.loss, "gradients": gradients}
            torch.save(content, f"{folder}/{name}-{ranks}.pt")


def test_two_ranks_give_what_one_gives(tmp_path: Path) -> None:
    _rank_main(0, 1, str(tmp_path))
    on_ranks(2, tmp_path, _rank_main, 2, str(tmp_path))
    for name in ("tiny", "sa_gate"):
        paths = (tmp_path / f"{name}-{ranks}.pt" for ranks in (1, 2))
        one, two = (torch.load(path, weights_only=True) for path in paths)
        assert one["losses"] == pytest.approx(two["losses"], rel=1e-4)
        assert one["loss"] == pytest.approx(two["loss"], rel=1e-3)
        assert _apart(one["gradients"], two["gradients"]) < 0.01


def _apart(one: dict[str, Tensor], two: dict[str, Tensor]) -> float:
    """How far gradients are apart, as a share of their length: normalisation over maps of a few
    pixels enlarges what float32 rounds."""
    first, second = (torch.cat([each[path].flatten() for path in one]) for each in (one, two))
    return float((first - second).norm() / first.norm())


@pytest.mark.parametrize("changes", [{}, GATES])
def test_a_resumed_training_is_the_uninterrupted_one(changes: dict[str, Value]) -> None:
    whole = training(**changes)
    whole.train_epoch()
    resumed = training(**changes)
    resumed.load(whole.save())
    for one in (whole, resumed):
        one.train_epoch()
    assert whole.save() == resumed.save()


def test_a_saved_network_predicts_what_the_test_measured(tmp_path: Path) -> None:
    run = training(epochs=1)
    run.train_epoch()
    measured = run.evaluate("test")
    saved.save(tmp_path, run.config, run.dataset.classes, run.save())
    network, config, _ = saved.load(tmp_path)
    assert network.pixels.input_names == ("depth", "normals")
    assert network.pixels.inputs == run.dataset.seen.inputs
    images = run.dataset.splits["test"]
    given = [
        Given(image_HWC, {name: images.targets[name][row] for name in run.dataset.inputs})
        for row, image_HWC in enumerate(images.images_NHWC)
    ]
    predictor = Predictor(network, config, CPU)
    for (_, labels_HW), expected_HW in zip(
        predictor.label_maps(given), measured.predictions, strict=True
    ):
        assert np.array_equal(labels_HW, expected_HW)
    with pytest.raises(ValueError, match="must be with depth, got '1 without it"):
        list(predictor.label_maps([given[0].image_HWC]))
