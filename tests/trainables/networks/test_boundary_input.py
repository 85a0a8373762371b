"""The boundary map as an input of the classifier (InverseForm, 3.5)."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.trainables.training.test_iterations import SMALL
from tests.trainables.training.test_training import config, training
from trainables import saved
from trainables.config import ModelConfig, TrialConfig
from trainables.networks.boundary_head import wider_classifier
from trainables.networks.segmentation import Segmenter
from trainables.networks.small import Tiny
from trainables.training.cost import evaluated_parameters

JOINED = ModelConfig(width=8, boundary_input=True)
TRAINED: dict[str, float | str] = {**SMALL, "loss/beta": 0.3, "model/boundary_input": True}


@pytest.mark.parametrize("train", [True, False])
def test_the_classifier_receives_the_features_and_the_heads_probabilities(train: bool) -> None:
    network = Segmenter(JOINED, 5, boundary_head=True).train(train)
    assert isinstance(network.network, Tiny)
    images = torch.rand(2, 3, 16, 20)
    output = network(images)
    features = network.network.features(images)
    assert network.boundary_head is not None
    edge = network.boundary_head(features)
    kernel, bias = network.network.classifier.weight, network.network.classifier.bias
    assert bias is not None
    assert kernel.shape == (5, 9, 1, 1)
    by_hand = F.conv2d(features, kernel[:, :8]) + bias.view(-1, 1, 1)
    by_hand = by_hand + kernel[:, 8].view(1, 5, 1, 1) * edge.sigmoid().unsqueeze(1)
    torch.testing.assert_close(output.logits_BKHW, by_hand)
    if train:
        torch.testing.assert_close(output.boundary_logits_BHW, edge)
    else:
        assert output.boundary_logits_BHW is None


def test_the_head_runs_once_and_leaves_nothing_behind() -> None:
    network = Segmenter(JOINED, 5, boundary_head=True)
    assert network.boundary_head is not None
    calls: list[int] = []
    network.boundary_head.register_forward_hook(lambda *_: calls.append(1))
    network(torch.rand(1, 3, 16, 16))
    assert len(calls) == 1
    assert network._joined_Bhw is None


def test_the_segmentation_trains_the_head_and_its_parameters_count() -> None:
    plain = Segmenter(ModelConfig(width=8), 5, boundary_head=True)
    joined = Segmenter(JOINED, 5, boundary_head=True)
    joined(torch.rand(1, 3, 16, 16)).logits_BKHW.sum().backward()
    head = joined.boundary_head
    assert head is not None
    assert all(parameter.grad is not None for parameter in head.parameters())
    of_head = sum(parameter.numel() for parameter in head.parameters())
    assert evaluated_parameters(joined) == evaluated_parameters(plain) + of_head + 5


def test_a_trained_network_is_saved_with_its_head() -> None:
    run = training(config(**TRAINED))
    run.train_epoch()
    network = saved.from_state(run.config, run.dataset.num_classes, run.save())
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        expected = run.network.eval()(images).logits_BKHW
        assert torch.equal(network(images).logits_BKHW, expected)


def test_a_baseline_without_a_loss_of_the_head_has_the_same_network() -> None:
    """So that a cell differs from it in its loss alone."""
    plain, with_loss = (training(config(**{**TRAINED, "loss/beta": b})) for b in (0.0, 0.3))
    weights, others = with_loss.network.state_dict(), plain.network.state_dict()
    assert others.keys() == weights.keys()
    assert all(torch.equal(others[name], weights[name]) for name in weights)
    plain.train_epoch()
    last = "boundary_head.layers.3.weight"
    assert not torch.equal(plain.network.state_dict()[last], weights[last])


@pytest.mark.parametrize("network", ["lraspp", "deeplabv2_r101"])
def test_networks_of_several_classifiers_are_refused_in_one_line(network: str) -> None:
    with pytest.raises(ValueError, match="model/boundary_input must be false with") as caught:
        TrialConfig().changed({"model/network": network, "model/boundary_input": True})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("classifier", [None, nn.Conv2d(7, 5, 1), nn.Linear(8, 5)])
def test_a_plug_ins_classifier_must_be_one_convolution(classifier: nn.Module | None) -> None:
    with pytest.raises(ValueError, match="not one convolution of its features"):
        wider_classifier(classifier, 8)
