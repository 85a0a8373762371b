"""SegFix's network at its published size, on any image, and its loss.

Shape letters: B images, H rows, W columns.
"""

import math
from typing import Literal
from unittest import mock

import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.config import SegFixConfig, TrialConfig
from trainables.config.pixels import RGB, Pixels
from trainables.data import load
from trainables.geometry.boundaries import Variant
from trainables.stages.segfix import training
from trainables.stages.segfix.loss import segfix_loss
from trainables.stages.segfix.network import SegFixNet
from trainables.stages.work import Work

ARRAYS = golden.load("segfix")
CASES = sorted({key.partition("/")[0] for key in ARRAYS})


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_sizes_are_the_published_ones() -> None:
    """65.7 million on HRNet-W48, as the released code builds it; 185,344 and 186,880 in heads."""
    with torch.device("meta"):
        network = SegFixNet(SegFixConfig(network="hrnet_w48"), RGB)
    assert parameters(network.near) == 185_344
    assert parameters(network.direction) == 186_880
    assert abs(parameters(network) / 65.70e6 - 1) < 0.001


@pytest.mark.parametrize("directions", [4, 8])
def test_it_predicts_images_of_any_size(directions: Literal[4, 8]) -> None:
    network = SegFixNet(SegFixConfig(width=4, directions=directions), Pixels(bands=5, bits=16))
    near_B2HW, direction_BNHW = network.eval().at_full_size(torch.rand(2, 5, 19, 33))
    assert near_B2HW.shape == (2, 2, 19, 33)
    assert direction_BNHW.shape == (2, directions, 19, 33)


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("variant", ["paper", "released"])
def test_the_loss_is_the_authors(case: str, variant: Variant) -> None:
    near_B2hw, direction_B8hw = (
        golden.logits(ARRAYS[f"{case}/pred_{name}_logits"][:, :, ::2, ::2].astype("float64"))
        for name in ("mask", "dir")
    )
    near_BHW, direction_BHW = targets(case)
    value = segfix_loss(near_B2hw, direction_B8hw, near_BHW, direction_BHW, variant=variant)
    value.backward()
    for leaf, name in ((near_B2hw, "mask"), (direction_B8hw, "dir")):
        assert leaf.grad is not None
        expected = torch.from_numpy(ARRAYS[f"{case}/loss/grad_{name}"])
        torch.testing.assert_close(leaf.grad, expected, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(value.item(), float(ARRAYS[f"{case}/loss/total"]), rtol=1e-7, atol=0)
    counts = torch.bincount(near_BHW[near_BHW >= 0], minlength=2)
    weights = torch.from_numpy(ARRAYS[f"{case}/loss/mask_weights"])
    torch.testing.assert_close(1 - counts / counts.sum(), weights)


def targets(case: str) -> tuple[Tensor, Tensor]:
    near, direction = (f"{case}/{name}_label" for name in ("mask", "direction"))
    return golden.labels(ARRAYS[near])[None], golden.labels(ARRAYS[f"{direction}8"])[None]


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_a_prediction_without_boundaries_has_a_loss(case: str) -> None:
    near_B2hw = torch.tensor([5.0, -5.0]).view(1, 2, 1, 1).expand(1, 2, 8, 8).clone()
    near_B2hw.requires_grad_()
    direction_B8hw = torch.randn(1, 8, 8, 8, requires_grad=True)
    assert ARRAYS[f"{case}/loss/total_nothing_predicted"].item() != 0  # NaN
    assert segfix_loss(near_B2hw, direction_B8hw, *targets(case), variant="released").isnan()
    value = segfix_loss(near_B2hw, direction_B8hw, *targets(case))
    value.backward()
    assert near_B2hw.grad is not None
    assert value.isfinite()
    assert near_B2hw.grad.isfinite().all()
    assert near_B2hw.grad.abs().sum() > 0


@pytest.mark.parametrize("label", [-1, 0, 1])
def test_one_label_everywhere_has_a_finite_loss(label: int) -> None:
    near_B2hw = torch.randn(2, 2, 6, 6, requires_grad=True)
    direction_B4hw = torch.randn(2, 4, 6, 6, requires_grad=True)
    labels_BHW = torch.full((2, 6, 6), label)
    value = segfix_loss(near_B2hw, direction_B4hw, labels_BHW, labels_BHW)
    value.backward()
    for leaf in (near_B2hw, direction_B4hw):
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
    assert value.item() == 0


def test_a_batch_weighs_its_labels_together() -> None:
    """Not image by image: 6 of 12 pixels of the first and 2 of the second are near a boundary."""
    near_B2hw = torch.zeros(2, 2, 3, 4, dtype=torch.float64)
    near_B2hw[0, 1], near_B2hw[1, 1] = -1, 1
    near_BHW = torch.zeros(2, 12, dtype=torch.int64)
    near_BHW[0, :6], near_BHW[1, :2] = 1, 1
    nothing_BHW = torch.full((2, 3, 4), -1)
    direction_B4hw = torch.zeros(2, 4, 3, 4, dtype=torch.float64)
    found = segfix_loss(near_B2hw, direction_B4hw, near_BHW.view(2, 3, 4), nothing_BHW)
    wrong, right = math.log1p(math.exp(1)), math.log1p(math.exp(-1))
    far_weight, near_weight = 8 / 24, 16 / 24
    total = near_weight * (6 * wrong + 2 * right) + far_weight * (6 * right + 10 * wrong)
    assert found.item() == pytest.approx(total / (near_weight * 8 + far_weight * 16), rel=1e-12)


def test_weights_that_cannot_be_fetched_are_one_line_of_segfix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("timm.create_model", mock.Mock(side_effect=OSError("no hub")))
    settings = SegFixConfig(network="hrnet_w18", weights="imagenet")
    line = r"^segfix/weights: imagenet weights of hrnet_w18 cannot be fetched.*OSError; none begins"
    with pytest.raises(ValueError, match=line):
        SegFixNet(settings, RGB)


def test_an_hrnet_takes_a_step_and_is_measured() -> None:
    config = TrialConfig().changed(
        {
            **{f"data/{split}_images": 1 for split in ("train", "val", "test")},
            "segfix/network": "hrnet_w18",
            "segfix/steps": 1,
            "segfix/batch": 2,
        }
    )
    network, quality, [loss] = training.train(config, load(config.data), Work())
    assert loss > 0
    assert all(0 <= value <= 1 for value in quality.values())
    before = training.build(config, 6).backbone.state_dict()
    moved = [not torch.equal(before[name], value) for name, value in named(network).items()]
    assert all(moved)


def named(network: torch.nn.Module) -> dict[str, Tensor]:
    """The backbone's parameters."""
    return dict(network.get_submodule("backbone").named_parameters())
