"""Weights from a file: how many are loaded, new and unused, and which files are refused."""

import gzip
import io
import pickle
import zipfile
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
        "2 in the file unused (2.weight, ..)"
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
    assert "0 kept their initial values, 0 in the file unused" in report
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


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "x")
    return content.getvalue()


def half(state: object) -> bytes:
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()[: len(content.getvalue()) // 2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>404</html>", "it is a web page"),
        (b"\n <html><body>sign in</body></html>", "it is a web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Error/>", "it is a web page"),
        (b"404: Not Found", "it is a text file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        (zipped("weights/readme.txt"), "a zip archive without a checkpoint (weights/readme.txt)"),
        (half({"a": torch.zeros(1000)}), "an incomplete or damaged archive"),
        (pickle.dumps({"a": Path("/x")}), "a pickle that torch.save did not write"),
        (b'\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32"}}', "it is a safetensors file"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (gzip.compress(b"x", mtime=0), "it is compressed"),
        (bytes(1000), "it is no file of torch.save"),
    ],
)
def test_what_is_no_checkpoint_is_named_in_one_line(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"w.pth is not a weights file") as caught:
        load_backbone(small(), path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_with_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pth", {"0.weight": torch.full((2, 1, 3, 3), 0.7)})
    content = bytearray(path.read_bytes())
    content[content.index(torch.tensor(0.7).numpy().tobytes()) + 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="differs from its checksum; download it again"):
        load_backbone(small(), path)


@pytest.mark.parametrize("zip_format", [True, False])
def test_a_whole_model_is_named_and_its_code_not_run(tmp_path: Path, zip_format: bool) -> None:
    path = tmp_path / "w.pth"
    torch.save(small(), path, _use_new_zipfile_serialization=zip_format)
    with pytest.raises(ValueError, match=r"w.pth is not a weights file: it is a pickled") as caught:
        load_backbone(small(), path)
    assert "Sequential, whose code is not run; save model.state_dict()" in str(caught.value)
    assert "\n" not in str(caught.value)


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
