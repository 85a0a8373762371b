"""A whole network's initial weights: what fits is loaded, the rest is new, and both are said."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from trainables.config import ModelConfig, TrialConfig, identity
from trainables.networks.segmentation import Segmenter, transfer_report

MODEL = ModelConfig(width=4)


def segmenter(seed: int, classes: int = 3, init: str = "", head: bool = False) -> Segmenter:
    torch.manual_seed(seed)
    return Segmenter(ModelConfig(width=4, init=init), classes, head)


def saved(path: Path, state: object) -> str:
    torch.save(state, path)
    return str(path)


def same(a: Segmenter, b: Segmenter) -> set[str]:
    other = b.state_dict()
    return {name for name, value in a.state_dict().items() if torch.equal(value, other[name])}


@pytest.mark.parametrize("wrapper", ["", "network", "average", "state_dict"])
def test_a_trial_s_checkpoint_gives_every_weight_heads_too(tmp_path: Path, wrapper: str) -> None:
    source = segmenter(0, head=True)
    state: dict[str, Tensor] = dict(source.state_dict())
    if wrapper == "average":  # what is evaluated, not what was stepped
        zeros = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
        content: dict[str, object] = {"network": zeros, "average": state}
    else:
        content = {wrapper: state, "epoch": 3} if wrapper else dict(state)
    target = segmenter(1, init=saved(tmp_path / "state.pt", content), head=True)
    assert same(target, source) == set(source.state_dict())
    assert target.transfer == (
        f"{len(state)} tensors loaded from state.pt, 0 new, of which 0 have another shape in the "
        "file; 0 of the file left over"
    )


def test_a_head_for_other_classes_is_new_and_that_is_said(tmp_path: Path) -> None:
    source, plain = segmenter(0, classes=21, head=True), segmenter(1)
    target = segmenter(1, init=saved(tmp_path / "coco.pth", source.state_dict()))
    assert torch.equal(target.network.classifier.weight, plain.network.classifier.weight)  # type: ignore[union-attr, arg-type]
    assert "network.classifier.weight" not in same(target, segmenter(1)) - same(target, plain)
    assert "2 new (network.classifier.weight, ..), of which 2 have another shape" in target.transfer
    assert "of the file left over (boundary_head." in target.transfer
    features = {name for name in target.state_dict() if "features" in name}
    loaded = source.state_dict()
    assert all(torch.equal(target.state_dict()[name], loaded[name]) for name in features)


def test_prefixes_of_other_code_are_removed(tmp_path: Path) -> None:
    source = segmenter(0)
    state = {
        "module.model." + name.removeprefix("network."): value
        for name, value in source.state_dict().items()
    }
    target = segmenter(1, init=saved(tmp_path / "a.pth", {"state_dict": state}))
    assert same(target, source) == set(source.state_dict())


def test_a_file_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    other = saved(tmp_path / "other.pth", {"conv.weight": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"model/init: nothing in .*other\.pth fits this network"):
        segmenter(0, init=other)
    with pytest.raises(ValueError, match=r"model/init must be a file, got '/none\.pt'"):
        segmenter(0, init="/none.pt")


def test_the_plan_says_what_is_loaded_for_the_data_s_classes(tmp_path: Path) -> None:
    file = saved(tmp_path / "w.pt", segmenter(0, classes=5).state_dict())
    config = ModelConfig(width=4, init=file)
    assert "0 new" in transfer_report(config, 5)
    assert "2 new (network.classifier.weight, ..)" in transfer_report(config, 6)


def test_its_content_names_a_trial_and_its_place_does_not(tmp_path: Path) -> None:
    first = saved(tmp_path / "a.pt", segmenter(0).state_dict())
    copy = tmp_path / "b.pt"
    copy.write_bytes(Path(first).read_bytes())
    other = saved(tmp_path / "c.pt", segmenter(1).state_dict())
    names = [
        identity(TrialConfig().changed({"model/init": file}), "d")
        for file in ("", first, str(copy), other)
    ]
    assert names[1] == names[2]
    assert len(set(names)) == 3
