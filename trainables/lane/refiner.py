"""The one place that knows every refinement: from a config to what corrects predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from trainables.config import TrialConfig, require
from trainables.data import Dataset
from trainables.refinement.dense_crf import dense_crf
from trainables.refinement.refine import Refine, of_images
from trainables.stages.segfix.refiner import of_copies, refiner
from trainables.training import crf_settings
from trainables.training.refinement import Refinement
from trainables.training.training import Training

_CPU = torch.device("cpu")


def refiner_of(
    config: TrialConfig, dataset: Dataset, stages: Path, study: str, device: torch.device
) -> Refine | None:
    """The refinement of a config as it stands; None without one.

    Args:
        config: the trial's.
        dataset: on which a stage that the refinement needs is trained, unless the folder has it.
        stages: the folder of stages.
        study: whose stage it then is.
        device: where predictions are.
    """
    match config.refine.method:
        case "segfix":
            found = refiner(config, dataset, stages, study, device)
        case "dense_crf":
            found = dense_crf(config.dense_crf)
        case _:
            return None
    return of_images(found, config.data.input_names)


def saved_refiner_of(
    config: TrialConfig, files: Mapping[str, bytes], device: torch.device = _CPU
) -> Refine | None:
    """The refinement of a network that is used after its study, without the study's data.

    Args:
        config: the trial's, with what the validation list has decided.
        files: by name, the files of the stages that the trial used.
        device: where predictions are.

    Raises:
        ValueError: a file is missing or damaged, or the validation list has not decided yet.
    """
    match config.refine.method:
        case "segfix":
            found = of_copies(config, files, device)
        case "dense_crf":
            tried = config.dense_crf.tried
            untested = "1 for a network without a test, which chooses among settings"
            require(tried == 1, "dense_crf/tried", untested, tried)
            found = dense_crf(config.dense_crf)
        case _:
            return None
    return of_images(found, config.data.input_names)


@dataclass(frozen=True)
class Refiner:
    """Makes the refinement of a study's networks, where they are measured; it can be pickled."""

    stages: str
    """The folder of stages."""
    study: str
    """As ``refiner_of`` takes it."""
    objective: tuple[str, str]
    """The metric by which a setting is chosen on the validation list, and its direction."""

    def __call__(self, training: Training) -> Refinement:
        config = training.config
        if config.refine.method == "dense_crf" and config.dense_crf.tried > 1:
            return crf_settings.choose(training, *self.objective)
        given = training.dataset, Path(self.stages), self.study, training.device
        return Refinement(refiner_of(config, *given))
