"""HMS in a training with RMI: resumed as undisturbed, and its auxiliary losses."""

import pytest
import torch

from tests.trainables.training.test_training import BATCH_NORM, config, training
from trainables.config import TrialConfig
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.rmi import rmi
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.auxiliary import auxiliary_loss

HMS: dict[str, float | str] = {
    **BATCH_NORM,
    "model/network": "hms",
    "loss/xe": 0.0,
    "loss/rmi": 1.0,
    "loss/rmi_downsampling": 2,
    "epochs": 2,
    "data/train_images": 3,
    "data/val_images": 1,
    "batch": 3,
}


def test_a_resumed_training_ends_bit_for_bit_as_an_uninterrupted_one() -> None:
    uninterrupted, first = training(config(**HMS)), training(config(**HMS))
    epochs = [uninterrupted.train_epoch() for _ in "12"]
    resumed = [first.train_epoch()]
    second = training(config(**HMS))
    second.load(first.save())
    assert [*resumed, second.train_epoch()] == epochs
    assert isinstance(epochs[0], dict)
    assert {"train/rmi", "train/auxiliary", "train/inverse_form"} <= set(epochs[0])
    assert second.evaluate().metrics == uninterrupted.evaluate().metrics


@pytest.mark.parametrize(("xe", "rmi_weight"), [(1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_auxiliary_losses_are_of_the_kind_that_the_network_trains_with(
    xe: float, rmi_weight: float
) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 8, 8))
    output = SegmenterOutput(logits, None, (logits, -logits))
    loss = TrialConfig().changed({"loss/xe": xe, "loss/rmi": rmi_weight}).loss
    found = auxiliary_loss(output, (0.4, 0.05), labels, loss).value()
    kind = cross_entropy if xe else lambda x, y: rmi(x, y, share=1.0)
    expected = 0.4 * kind(logits, labels).value() + 0.05 * kind(-logits, labels).value()
    assert found == pytest.approx(float(expected), rel=1e-6)
