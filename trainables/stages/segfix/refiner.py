"""SegFix as a correction of a trained network's predictions.

Shape letters: B images, C bands, K classes, H rows, W columns.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from trainables.config import SegFixConfig, TrialConfig
from trainables.data.dataset import Dataset
from trainables.refinement import segfix
from trainables.refinement.refine import Refine
from trainables.stages import registry
from trainables.stages.files import SavedStage, parsed
from trainables.stages.segfix.network import SegFixNet

KIND = "segfix"


def refiner(
    config: TrialConfig, dataset: Dataset, folder: Path, study: str, device: torch.device
) -> Refine:
    """The correction by the network of this trial's data and fields, trained first if need be.

    If several processes call this at once, one trains and the others wait for it.

    Args:
        dataset: the trial's; of folds, the lists of any of them.
        folder: of the stages that all studies of a storage share.
        study: whose name the stage gets.
        device: of the training, and of the images and logits to come.

    Raises:
        DataError: the training or validation labels have no boundary at all.
        ValueError: the released loss is not a number.
    """
    registry.ensure(KIND, config, dataset, folder, study, device)
    name = f"{KIND}-{registry.stage_key(KIND, config, dataset.digest)}"
    saved = registry.stage_file(name, folder).read()
    if saved is None:
        raise FileNotFoundError(f"stage file {folder / name}.pt is missing or damaged")
    return of_saved(config, saved, device)


def of_copies(config: TrialConfig, files: Mapping[str, bytes], device: torch.device) -> Refine:
    """The correction by the copy of the stage's file that lies beside a trained network.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    names = [name for name in files if name.startswith(f"{KIND}-")]
    if len(names) != 1:
        raise ValueError(
            f"{KIND}-KEY.pt: missing: the network's test was refined by SegFix's network, whose "
            f"file is gone; study/report.py NAME adds it if the storage still has it"
        )
    return of_saved(config, parsed(KIND, files[names[0]], Path(names[0])), device)


def of_saved(config: TrialConfig, saved: SavedStage, device: torch.device) -> Refine:
    """The correction by a network from its file."""
    network = registry.built(KIND, config, saved)
    assert isinstance(network, SegFixNet)
    return of_network(network.to(device), config.segfix)


def of_network(network: SegFixNet, settings: SegFixConfig) -> Refine:
    """The correction by a trained network, with these scale and passes."""

    @torch.no_grad()
    def refine(images_BCHW: Tensor, logits_BKHW: Tensor) -> Tensor:
        output, variant = network.at_full_size(images_BCHW), settings.variant
        offsets_B2HW = segfix.offsets(*output, variant=variant)
        correct = segfix.corrected if variant == "paper" else segfix.corrected_as_released
        for _ in range(settings.passes):
            logits_BKHW = correct(logits_BKHW, offsets_B2HW, scale=settings.scale)
        return logits_BKHW

    return refine
