"""Stages: networks that trials share, each trained once.

Those inside losses are trained before the trials, SegFix's before the first test that it corrects.

A stage's file is named by what determines its content: the data, the code, and the config fields
that the stage reads. The first rank of the first trial that needs a stage trains it while the
others wait. A file that is damaged, or of other data or another config, is not used: the stage is
trained again.
"""

import hashlib
import json
from pathlib import Path

import torch
from torch import nn

from trainables.config import TrialConfig, Value, code_digest, flatten
from trainables.config.pixels import RGB
from trainables.data.dataset import Dataset
from trainables.losses.batch import Learned
from trainables.losses.compose import needs_edge_net, needs_inverse_net
from trainables.networks.standardise import pixels_of
from trainables.stages import masks
from trainables.stages.edge_net import training as edge_training
from trainables.stages.files import SavedStage, StageFile, StageRecord
from trainables.stages.inverse_net import training as inverse_training
from trainables.stages.inverse_net.tile_pairs import check_tile, require_boundary
from trainables.stages.kind import Kind
from trainables.stages.segfix import training as segfix_training
from trainables.stages.threads import torch_threads
from trainables.stages.work import CPU, Work

_VERSION = 5
"""Since 5 a file carries its hash; older ones, which prove nothing, have other names."""
_DATA = ("data/height", "data/width", "data/train_images")


KINDS: dict[str, Kind] = {
    "inverse_net": Kind(
        lambda config: needs_inverse_net(config.loss),
        (
            "loss/tile",
            "loss/tile_share",
            "loss/resize",
            "loss/distance",
            "loss/geodesic",
            "loss/boundary",
            "loss/variant",
            "inverse_net/*",
        ),
        lambda config, num_classes, pixels=RGB: inverse_training.build(config),
        lambda config, dataset, work: inverse_training.train(config, dataset, work.report),
        masks.has_edge_task,
    ),
    "edge_net": Kind(
        lambda config: needs_edge_net(config.loss),
        ("edge_net/*",),
        lambda config, num_classes, pixels=RGB: edge_training.build(config, num_classes),
        lambda config, dataset, work: edge_training.train(config, dataset, work.report),
        masks.classes_are_edges,
    ),
    "segfix": Kind(
        lambda config: config.refine.method == "segfix",
        (
            "data/normalize",
            "segfix/network",
            "segfix/width",
            "segfix/weights",
            "segfix/directions",
            "segfix/distance",
            "segfix/variant",
            "segfix/steps",
            "segfix/batch",
            "segfix/crop",
            "segfix/lr",
            "segfix/seed",
        ),
        segfix_training.build,
        segfix_training.train,
        lambda config: False,
        in_loss=False,
    ),
}
"""Those of losses are named as the fields of ``Learned``."""


def needed(config: TrialConfig) -> list[str]:
    """The kinds of stages that the trial uses, in its loss or in its test."""
    return [name for name, kind in KINDS.items() if kind.needed(config)]


def of_loss(config: TrialConfig) -> list[str]:
    """The kinds of stages that the trial's loss uses."""
    return [name for name in needed(config) if KINDS[name].in_loss]


def in_loss(name: str) -> bool:
    """Whether the stage of this name, ``kind-key``, is a network inside losses."""
    return KINDS[name.partition("-")[0]].in_loss


def deciding_paths(kind: str) -> list[str]:
    """The config fields that determine a stage of this kind."""
    sections = tuple(path[:-1] for path in KINDS[kind].paths if path.endswith("/*"))
    return [
        path
        for path in flatten(TrialConfig())
        if path in KINDS[kind].paths or (sections and path.startswith(sections))
    ]


def check(kind: str, config: TrialConfig, dataset: Dataset) -> None:
    """Raise a ValueError if a stage of this kind cannot be trained on this data."""
    require_boundary(KINDS[kind].masks(config, dataset))
    if kind == "inverse_net":
        crop = config.data.crop_height, config.data.crop_width
        check_tile(config.tile_px, config.loss.resized or dataset.splits["train"].size or crop)
    if kind == "segfix":  # trained last: what cannot be built is said first
        segfix_training.build(config, dataset.num_classes, dataset.pixels)


def _flat(config: TrialConfig) -> dict[str, Value]:
    """The config with the tile's side in pixels."""
    return flatten(config) | {"loss/tile": config.tile_px, "loss/tile_share": 0.0}


def deciding_fields(kind: str, config: TrialConfig) -> dict[str, Value]:
    """The values of ``deciding_paths``, with the tile's side in pixels."""
    flat = _flat(config)
    return {path: flat[path] for path in deciding_paths(kind)}


def stage_key(kind: str, config: TrialConfig, digest: str) -> str:
    """The key of the stage that this trial needs: equal keys mean equal networks."""
    flat = _flat(config)
    if flat["loss/boundary"] == "sobel":
        flat["loss/variant"] = "paper"  # the variant changes radius boundaries only
    if "geodesic" not in (flat["loss/distance"], flat["inverse_net/distance"]):
        flat["loss/geodesic"] = "bounded"  # the form of a distance that is not used
    if flat["segfix/network"] != "fpn":
        flat["segfix/width"] = 0  # that of another network
    data = (*_DATA, *(["data/fold"] if config.data.folds else []))
    content = [
        _VERSION,
        kind,
        digest,
        code_digest(),
        {path: flat[path] for path in (*data, *deciding_paths(kind))},
        *(["edge maps"] if KINDS[kind].on_edges(config) else []),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def stage_names(config: TrialConfig, digest: str) -> list[str]:
    """``kind-key`` of every stage that the trial needs."""
    return [f"{kind}-{stage_key(kind, config, digest)}" for kind in needed(config)]


def stage_file(name: str, folder: Path) -> StageFile:
    """The file of the stage with this name, ``kind-key``."""
    return StageFile(folder, *name.split("-"))


def ensure(
    kind: str,
    config: TrialConfig,
    dataset: Dataset,
    folder: Path,
    study: str = "",
    device: torch.device = CPU,
) -> StageRecord:
    """Train the stage that this trial needs, unless the folder already has it.

    If several processes call this at once, one trains and the others wait for its lock. They do
    not wait in a collective, which would time out.

    Raises:
        DataError: the training or validation masks have no boundary at all.
        ValueError: the tile does not fit the images.
    """
    file = StageFile(folder, kind, stage_key(kind, config, dataset.digest))
    with file.lock():
        record = file.record()
        if record is not None:
            return record
        work = Work(file.report_progress, device, file.unfinished)
        lists = KINDS[kind].masks(config, dataset.for_fold(config.data.fold))
        # The layers are small: more threads slow them down, and a different number of threads
        # would round differently.
        with torch_threads(1):
            network, quality, curve = KINDS[kind].train(config, lists, work)
        seconds, remade = work.seconds, file.path.exists()
        record = StageRecord(kind, file.key, study, seconds, quality, curve, remade)
        fields = deciding_fields(kind, config)
        file.write(SavedStage(record, lists.num_classes, network.state_dict(), fields))
        return record


def load_learned(config: TrialConfig, digest: str, folder: Path) -> Learned:
    """The frozen networks of this trial's loss, from their files.

    Raises:
        FileNotFoundError: a file is missing, damaged, or of another stage.
    """
    return Learned(**{kind: _load(kind, config, digest, folder) for kind in of_loss(config)})


def make_learned(config: TrialConfig, dataset: Dataset, folder: Path, study: str) -> Learned:
    """The frozen networks of this trial's loss; those that the folder lacks are trained first.

    Raises:
        ValueError: see ``ensure``.
    """
    for kind in of_loss(config):
        ensure(kind, config, dataset, folder, study)
    return load_learned(config, dataset.digest, folder)


def untrained(config: TrialConfig, num_classes: int) -> Learned:
    """Untrained networks of the same shape, to time a trial before its stages exist."""
    built = {}
    for kind in of_loss(config):
        classes = 2 if KINDS[kind].on_edges(config) else num_classes
        built[kind] = KINDS[kind].build(config, classes).requires_grad_(False)
    return Learned(**built)


def _load(kind: str, config: TrialConfig, digest: str, folder: Path) -> nn.Module:
    file = StageFile(folder, kind, stage_key(kind, config, digest))
    saved = file.read()
    if saved is None:
        raise FileNotFoundError(f"stage file {file.path} is missing, damaged or of another stage")
    return built(kind, config, saved)


def built(kind: str, config: TrialConfig, saved: SavedStage) -> nn.Module:
    """The frozen network of a saved stage, on the CPU."""
    network = KINDS[kind].build(config, saved.classes, pixels_of(saved.state))
    network.load_state_dict(saved.state)
    return network.requires_grad_(False).eval()
