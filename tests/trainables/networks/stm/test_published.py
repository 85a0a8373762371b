"""Every parameter of the public code's STM has one here, by the names of its modules."""

from pathlib import Path

import torch
from torchvision.models import resnet50

from tests.trainables.networks.stm.test_stm import built, small
from trainables.networks.stm.published import NAMES
from trainables.networks.whole import load_network, renamed

_REFINE = ("convFS", "ResFS.conv1", "ResFS.conv2", "ResMM.conv1", "ResMM.conv2")
_CONVOLUTIONS = (
    *("Encoder_M.conv1_m", "Encoder_M.conv1_o", "Encoder_M.conv1", "Encoder_Q.conv1"),
    *(f"KV_{kind}_r4.{name}" for kind in "MQ" for name in ("Key", "Value")),
    *("Decoder.convFM", "Decoder.ResMM.conv1", "Decoder.ResMM.conv2", "Decoder.pred2"),
    *(f"Decoder.{refine}.{name}" for refine in ("RF2", "RF3") for name in _REFINE),
)
"""Of the public network, beside the stages and the first batch norm of its two ResNets."""


def public_names() -> set[str]:
    """Of its parameters and statistics."""
    with torch.device("meta"):
        names = resnet50().state_dict()
    found = set()
    for name in names:
        stage, _, rest = name.partition(".")
        if stage in ("layer1", "layer2", "layer3", "bn1"):
            theirs = f"res{int(stage[-1]) + 1}" if stage != "bn1" else stage
            found |= {f"Encoder_{kind}.{theirs}.{rest}" for kind in "MQ"}
    for module in _CONVOLUTIONS:
        found |= {f"{module}.weight"}
        found |= {f"{module}.bias"} if not module.startswith("Encoder") else set()
    return found


def test_each_public_parameter_has_one_here() -> None:
    with torch.device("meta"):
        own = built({"model/network": "stm"}).network.state_dict()
    assert {renamed(name, NAMES) for name in public_names()} == set(own)
    assert len(public_names()) == len(own)


def test_weights_under_public_names_are_loaded(tmp_path: Path) -> None:
    """A decoder and keys of the small one, called as public code calls them, with its prefix."""
    network, path = small(), tmp_path / "weights.pth"
    ours = {**{new: old for old, new in NAMES.items()}}
    theirs = {}
    for name, value in network.network.state_dict().items():
        new = renamed(name, ours)
        if new.startswith(("Decoder", "KV_")):
            theirs[f"module.{new}"] = torch.full_like(value, 0.25)
    torch.save(theirs, path)
    other = built()
    words = load_network(other, path)
    assert words.startswith(f"{len(theirs)} tensors loaded from weights.pth")
    assert words.endswith("0 of the file left over")
    loaded = other.network.state_dict()
    assert (loaded["decoder.refine.0.skip_residual.first.weight"] == 0.25).all()
    assert (loaded["memory_key_value.value.bias"] == 0.25).all()
    assert (loaded["classifier.weight"] == 0.25).all()
