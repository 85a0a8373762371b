"""A trained network as three files that anybody can load: weights, config and classes."""

import io
from collections.abc import Sequence
from pathlib import Path

import torch
import yaml
from torch import Tensor

from trainables import plugin
from trainables.config import TrialConfig, flatten, from_flat
from trainables.losses.compose import needs_boundary_head
from trainables.networks.segmentation import Segmenter

NETWORK, CONFIG, CLASSES = "network.pt", "config.yaml", "classes.txt"
PARTS = "own_parts.py"
"""The plug-in that the network was trained with, if any; loading the network executes it."""


def save(folder: Path, config: TrialConfig, classes: Sequence[str], state: bytes) -> None:
    """Write the network of a training state (``Training.save``): its moving average, if any."""
    content: dict[str, dict[str, Tensor]] = torch.load(
        io.BytesIO(state), map_location="cpu", weights_only=True
    )
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(content.get("average", content["network"]), folder / NETWORK)
    (folder / CONFIG).write_text(yaml.safe_dump(flatten(config), sort_keys=False))
    (folder / CLASSES).write_text("".join(f"{name}\n" for name in classes))
    if installed := plugin.installed():
        (folder / PARTS).write_text(installed.text)


def load(folder: Path, trust: bool = False) -> tuple[Segmenter, TrialConfig, list[str]]:
    """The network in evaluation mode on the CPU, its config, and the class names by label.

    It takes images (B,3,H,W) in [0,1]; its ``logits_BKHW`` are scores of the K classes.

    Args:
        trust: execute the plug-in that the folder brings along. Whoever wrote the folder wrote
            that code: read it first.

    Raises:
        FileNotFoundError: one of the three files is missing.
        ValueError: the config has a field or a value that this version does not know, or the
            folder has a plug-in and ``trust`` is False.
    """
    # Before the config is read: the plug-in adds fields to it.
    if (folder / PARTS).exists():
        _install(plugin.Plugin(PARTS, (folder / PARTS).read_text()), folder, trust)
    config = from_flat(yaml.safe_load((folder / CONFIG).read_text()))
    classes = (folder / CLASSES).read_text().splitlines()
    bare = config.changed({"model/weights": "none"})  # the file, loaded below, has them
    network = Segmenter(bare.model, len(classes), needs_boundary_head(config.loss))
    network.load_state_dict(torch.load(folder / NETWORK, map_location="cpu", weights_only=True))
    return network.eval(), config, classes


def _install(parts: plugin.Plugin, folder: Path, trust: bool) -> None:
    here = plugin.installed()
    if here is not None and here.text == parts.text:
        return  # the caller has installed the very same code
    if not trust:
        raise ValueError(
            f"trust must be True to load {str(folder)!r}: its plug-in {PARTS} (digest "
            f"{parts.digest}) would be executed, read it first; got False"
        )
    plugin.install(parts)
