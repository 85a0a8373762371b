"""A trained network as files that anybody can load: weights, config, classes, and their hashes."""

import io
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import yaml
from torch import Tensor

from trainables import plugin, proof
from trainables.config import TrialConfig, flatten, from_flat
from trainables.config.pixels import Pixels
from trainables.losses.batch import Learned
from trainables.losses.compose import needs_boundary_head
from trainables.networks.segmentation import Segmenter
from trainables.networks.standardise import pixels_of
from trainables.networks.task_heads import parts_of

NETWORK, CONFIG, CLASSES = "network.pt", "config.yaml", "classes.txt"
PARTS = "own_parts.py"
"""The plug-in that the network was trained with, if any; loading the network executes it."""
_STAGE = re.compile(rf"({'|'.join((*Learned._fields, 'segfix'))})-[0-9a-f]+\.pt")
"""The copy of a stage's file: a network inside the loss, or one that corrects predictions."""
HASHES = "sha256.txt"
"""The hashes of the other files; ``sha256sum -c sha256.txt`` checks them, and so does loading."""


_logger = logging.getLogger(__name__)


class Saved(NamedTuple):
    """What a folder says of its network, whose weights are not read yet."""

    config: TrialConfig
    classes: list[str]
    """Their names by label."""
    files: dict[str, bytes]
    """By name, each as it was saved."""

    @property
    def stages(self) -> dict[str, bytes]:
        """By name, the files of its stages."""
        return {name: file for name, file in self.files.items() if _STAGE.fullmatch(name)}


def save(
    folder: Path,
    config: TrialConfig,
    classes: Sequence[str],
    state: bytes,
    stages: Mapping[str, bytes] | None = None,
) -> None:
    """Write the network of a training state (``Training.save``): its moving average, if any.

    Args:
        folder: to write to.
        config: the trial's.
        classes: their names by label.
        state: of the training.
        stages: by name, the files of its stages.
    """
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
    _write(folder, files | dict(stages or {}))


def add_stages(folder: Path, stages: Mapping[str, bytes]) -> None:
    """Add files of stages, by name, to a folder that lacks them.

    Raises:
        DamageError: a file of the folder is damaged.
    """
    _write(folder, read_files(folder) | dict(stages))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    hashes = "".join(f"{proof.sha256(content)}  {name}\n" for name, content in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if _STAGE.fullmatch(path.name) and path.name not in files:
            path.unlink()  # of a network that was saved here before
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
    tasks = config.task.of_network(num_classes, parts_of(weights))
    network = Segmenter(bare.model, num_classes, head, pixels_of(weights), tasks)
    network.load_state_dict(weights)
    return network.eval()


def pixels(folder: Path) -> Pixels:
    """The images that the folder's network was trained on.

    Raises:
        DamageError: a file is missing or damaged.
    """
    content = io.BytesIO(read_files(folder)[NETWORK])
    return pixels_of(torch.load(content, map_location="cpu", weights_only=True))


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
    config, classes, files = describe(folder, trust)
    weights = torch.load(io.BytesIO(files[NETWORK]), map_location="cpu", weights_only=True)
    return _built(config, len(classes), weights), config, classes


def describe(folder: Path, trust: bool = False) -> Saved:
    """The same without building the network.

    Raises:
        ValueError: as ``load``.
    """
    files = read_files(folder)
    # Before the config is read: the plug-in adds fields to it.
    if PARTS in files:
        _install(plugin.Plugin(PARTS, files[PARTS].decode()), folder, trust)
    config = from_flat(yaml.safe_load(files[CONFIG]))
    return Saved(config, files[CLASSES].decode().splitlines(), files)


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
    present = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    names = [NETWORK, CONFIG, CLASSES, *filter(_is_further, present)]
    if not (folder / HASHES).exists():
        return _read_older(folder, names)
    lines = proof.read(folder / HASHES).decode("ascii", "replace").splitlines()
    hashes = {name: found for found, _, name in (line.partition("  ") for line in lines)}
    for name in sorted(hashes.keys() - {NETWORK, CONFIG, CLASSES}):
        if not _is_further(name):
            raise proof.DamageError(f"{folder / HASHES}: damaged: it names {name!r}")
    for name in names:
        if name not in hashes:
            raise proof.DamageError(f"{folder / HASHES}: damaged: it has no hash of {name}")
    return {name: proof.read_proven(folder / name, found) for name, found in hashes.items()}


def _is_further(name: str) -> bool:
    return name == PARTS or _STAGE.fullmatch(name) is not None


def _read_older(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    files = {name: proof.read(folder / name) for name in names}
    try:
        proof.unseal(files[NETWORK], folder / NETWORK)
    except proof.UnprovenError:
        words = "%s: an older version saved it, without hashes: nothing proves its files"
        _logger.warning(words, folder)
        return files
    raise proof.DamageError(f"{folder / HASHES}: missing: the folder was saved with it")
