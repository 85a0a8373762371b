"""Weights from a file: how many are loaded, new and unused, and which files are refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from trainables.config import ModelConfig
from trainables.networks.segmentation import Segmenter
from trainables.networks.weights import load_backbone


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 3, 1))


def weight(network: nn.Module, layer: int) -> Tensor:
    return network.state_dict()[f"{layer}.weight"].clone()


def saved(path: Path, state: object) -> Path:
    torch.save(state, path)
    return path


def test_everything_that_fits_is_loaded_and_the_rest_is_reported(tmp_path: Path) -> None:
    source, target = small(), small()
    state: dict[str, Tensor] = dict(source.state_dict())
    del state["2.bias"]
    state["2.weight"] = torch.zeros(7, 2, 1, 1)  # another number of classes
    state["head.weight"] = torch.zeros(1)
    before = weight(target, 2)
    report = load_backbone(target, saved(tmp_path / "w.pth", state))
    assert torch.equal(weight(target, 0), weight(source, 0))
    assert torch.equal(weight(target, 2), before)
    # 2 of the convolution, 5 of the norm (num_batches_tracked is one); 2 new; 2 left over
    assert report == (
        "7 tensors loaded from w.pth, 2 kept their initial values (2.weight, ..), "
        "2 of the file left over (2.weight, ..)"
    )


@pytest.mark.parametrize("prefix", ["", "module.", "module.backbone.", "encoder."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_checkpoints_of_training_code_are_understood(
    tmp_path: Path, prefix: str, wrapper: str | None
) -> None:
    source, target = small(), small()
    state = {
        prefix + name: value.half() if value.is_floating_point() else value
        for name, value in source.state_dict().items()
    }
    content = {wrapper: state, "epoch": 3} if wrapper else state
    report = load_backbone(target, saved(tmp_path / "w.pth", content))
    assert "0 kept their initial values, 0 of the file left over" in report
    assert torch.equal(weight(target, 0), weight(source, 0).half().float())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"other": torch.zeros(1)}, "nothing in .* fits Sequential"),
        ({"1.num_batches_tracked": torch.tensor(3)}, "nothing in .* fits Sequential"),
        ([1, 2], "is not a weights file: it holds no named tensors"),
        ({"epoch": 3}, "is not a weights file: it holds no named tensors"),
    ],
)
def test_a_file_that_fits_nothing_is_refused(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_backbone(small(), saved(tmp_path / "w.pth", content))


def test_a_file_that_runs_code_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a weights file") as caught:
        load_backbone(small(), saved(tmp_path / "w.pth", small()))  # a pickled module
    assert "\n" not in str(caught.value)


def test_real_imagenet_weights_fit_completely(backbone_weights: Path) -> None:
    config = ModelConfig(network="fpn", weights=str(backbone_weights))
    report = Segmenter(config, 3, boundary_head=False).transfer
    assert "0 kept their initial values" in report
    with pytest.raises(ValueError, match=r"nothing in .* fits"):
        Segmenter(ModelConfig(network="upernet_swin_t", weights=str(backbone_weights)), 3, False)
