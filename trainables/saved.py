"""A trained network as files that anybody can load: weights, config, classes, and their hashes."""

import io
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
import yaml
from torch import Tensor

from trainables import plugin, proof
from trainables.config import TrialConfig, flatten, from_flat
from trainables.losses.compose import needs_boundary_head
from trainables.networks.segmentation import Segmenter
from trainables.networks.standardise import pixels_of

NETWORK, CONFIG, CLASSES = "network.pt", "config.yaml", "classes.txt"
PARTS = "own_parts.py"
"""The plug-in that the network was trained with, if any; loading the network executes it."""
HASHES = "sha256.txt"
"""The hashes of the other files; ``sha256sum -c sha256.txt`` checks them, and so does loading."""


_logger = logging.getLogger(__name__)


def save(folder: Path, config: TrialConfig, classes: Sequence[str], state: bytes) -> None:
    """Write the network of a training state (``Training.save``): its moving average, if any."""
    weights = io.BytesIO()
    torch.save(_evaluated(state), weights)
    files = {
        # Sealed, it tells a folder that lost its hashes from an older one, which had none.
        NETWORK: proof.seal(weights.getvalue()),
        CONFIG: yaml.safe_dump(flatten(config), sort_keys=False).encode(),
        CLASSES: "".join(f"{name}\n" for name in classes).encode(),
    }
    if installed := plugin.installed():
        files[PARTS] = installed.text.encode()
    hashes = "".join(f"{proof.sha256(content)}  {name}\n" for name, content in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    for name, content_of_file in {**files, HASHES: hashes.encode()}.items():
        proof.write(folder / name, content_of_file)


def _evaluated(state: bytes) -> dict[str, Tensor]:
    """The weights that a training state is evaluated with."""
    content: dict[str, dict[str, Tensor]] = torch.load(
        io.BytesIO(state), map_location="cpu", weights_only=True
    )
    return content.get("average", content["network"])


def from_state(config: TrialConfig, num_classes: int, state: bytes) -> Segmenter:
    """The network of a training state, in evaluation mode on the CPU."""
    return _built(config, num_classes, _evaluated(state))


def _built(config: TrialConfig, num_classes: int, weights: dict[str, Tensor]) -> Segmenter:
    # The given weights are those of the whole network.
    bare = config.changed({"model/weights": "none", "model/init": ""})
    head = needs_boundary_head(config.loss)
    network = Segmenter(bare.model, num_classes, head, pixels_of(weights))
    network.load_state_dict(weights)
    return network.eval()


def load(folder: Path, trust: bool = False) -> tuple[Segmenter, TrialConfig, list[str]]:
    """The network in evaluation mode on the CPU, its config, and the class names by label.

    It takes images (B,3,H,W) in [0,1], or such as its ``pixels`` say (docs/images.md), and
    normalises them itself; its ``logits_BKHW`` are scores of the K classes.

    Args:
        trust: execute the plug-in that the folder brings along. Whoever wrote the folder wrote
            that code: read it first.

    Raises:
        ValueError: a file is missing or damaged, the config has a field or a value that this
            version does not know, or the folder has a plug-in and ``trust`` is False.
    """
    files = read_files(folder)
    # Before the config is read: the plug-in adds fields to it.
    if PARTS in files:
        _install(plugin.Plugin(PARTS, files[PARTS].decode()), folder, trust)
    config = from_flat(yaml.safe_load(files[CONFIG]))
    classes = files[CLASSES].decode().splitlines()
    weights = torch.load(io.BytesIO(files[NETWORK]), map_location="cpu", weights_only=True)
    return _built(config, len(classes), weights), config, classes


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


def read_files(folder: Path) -> dict[str, bytes]:
    """The content of the folder's files by name, each as it was saved.

    A folder of an older version has no hashes: it is read, and the log has a line about it.

    Raises:
        DamageError: a file is missing or damaged; the message names it.
    """
    parts = [PARTS] if (folder / PARTS).exists() else []
    names = [NETWORK, CONFIG, CLASSES, *parts]
    if not (folder / HASHES).exists():
        return _read_older(folder, names)
    lines = proof.read(folder / HASHES).decode("ascii", "replace").splitlines()
    hashes = {name: found for found, _, name in (line.partition("  ") for line in lines)}
    if unknown := hashes.keys() - {NETWORK, CONFIG, CLASSES, PARTS}:
        raise proof.DamageError(f"{folder / HASHES}: damaged: it names {sorted(unknown)[0]!r}")
    for name in names:
        if name not in hashes:
            raise proof.DamageError(f"{folder / HASHES}: damaged: it has no hash of {name}")
    return {name: proof.read_proven(folder / name, found) for name, found in hashes.items()}


def _read_older(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    files = {name: proof.read(folder / name) for name in names}
    try:
        proof.unseal(files[NETWORK], folder / NETWORK)
    except proof.UnprovenError:
        words = "%s: an older version saved it, without hashes: nothing proves its files"
        _logger.warning(words, folder)
        return files
    raise proof.DamageError(f"{folder / HASHES}: missing: the folder was saved with it")
