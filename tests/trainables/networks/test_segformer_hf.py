"""SegFormer of transformers: the published sizes, features, and weights from a file."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from trainables.config import ModelConfig
from trainables.networks.segformer_hf import SIZES
from trainables.networks.segmentation import Segmenter

if TYPE_CHECKING:
    from transformers import SegformerConfig

PUBLISHED = {
    "mit_b0": 3.8e6,
    "mit_b1": 13.7e6,
    "mit_b2": 27.5e6,
    "mit_b3": 47.3e6,
    "mit_b4": 64.1e6,
    "mit_b5": 84.7e6,
}
"""SegFormer, Table 1, with ADE20K's 150 classes."""


def built(encoder: str = "mit_b0", classes: int = 3, weights: str = "none") -> Segmenter:
    config = ModelConfig(network="segformer_hf", encoder=encoder, weights=weights)
    return Segmenter(config, classes, boundary_head=True)


def sizes(network: Segmenter) -> "SegformerConfig":
    from transformers import SegformerConfig

    found = network.network.get_submodule("backbone").config
    assert isinstance(found, SegformerConfig)
    return found


@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_the_parameters_are_the_published_ones(encoder: str) -> None:
    with torch.device("meta"):
        network = built(encoder, 150).network
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == pytest.approx(PUBLISHED[encoder], rel=0.015)


def test_a_step_reaches_every_parameter_and_draws_no_random_number() -> None:
    network, images = built().train(), torch.rand(2, 3, 32, 64)
    output = network(images)
    assert output.logits_BKHW.shape == (2, 3, 32, 64)
    assert output.boundary_logits_BHW is not None
    (output.logits_BKHW.square().mean() + output.boundary_logits_BHW.square().mean()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    torch.manual_seed(1)
    assert torch.equal(network(images).logits_BKHW, output.logits_BKHW)


def test_its_output_is_the_library_s() -> None:
    from transformers import SegformerForSemanticSegmentation

    ours = built().eval()
    theirs = SegformerForSemanticSegmentation(sizes(ours)).eval()
    theirs.segformer.load_state_dict(ours.network.get_submodule("backbone").state_dict())
    theirs.decode_head.load_state_dict(
        {
            **ours.network.get_submodule("decoder").state_dict(),
            **{
                f"classifier.{name}": value
                for name, value in ours.network.get_submodule("classifier").state_dict().items()
            },
        }
    )
    images = torch.rand(1, 3, 64, 64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = theirs((images - mean[:, None, None]) / std[:, None, None]).logits
        assert torch.allclose(ours.network(images).logits_BKhw, expected, atol=1e-5)


def test_weights_of_the_library_s_file_are_loaded_and_counted(tmp_path: Path) -> None:
    from transformers import SegformerForSemanticSegmentation

    torch.manual_seed(1)
    theirs = SegformerForSemanticSegmentation(sizes(built()))
    theirs.save_pretrained(tmp_path, max_shard_size="1GB")  # in the names of its files
    found = built(weights=str(tmp_path / "model.safetensors"))
    assert "0 kept their initial values" in found.transfer
    loaded = found.network.get_submodule("backbone").state_dict()
    for name, value in theirs.segformer.state_dict().items():
        assert torch.equal(loaded[name], value), name


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"model/weights: nothing in .*w\.pth fits"):
        built(weights=str(tmp_path / "w.pth"))


def test_an_encoder_of_another_family_and_a_missing_package_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match=re.escape("one of mit_b0, mit_b1")):
        built("resnet18")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"pip install 'edgewise\[transformers\]'"):
        built()
