"""A trained network by its name: ``NAME``, a study's best, or ``NAME/NUMBER``, a trial's."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from study.ledger.record import StudyRecord
from study.ledger.storage import check_name
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.planning.request import StudyRequest
from trainables.config import TrialConfig, from_flat
from trainables.config.words import counted
from trainables.proof import DamageError

if TYPE_CHECKING:
    from trainables.networks.segmentation import Segmenter


class TrainedNetwork(NamedTuple):
    """A network that is ready to predict."""

    network: "Segmenter"
    config: TrialConfig
    what: str
    """In words."""
    files: Mapping[str, bytes]
    """By name, those of the stages that its training and its test used."""


def find(name: str, storage: Path | None) -> tuple[StudyFolder, StudyRecord, TrialRecord | None]:
    """The study, its record, and the trial if one is named.

    Raises:
        ValueError: one line; there is no such study or trial.
    """
    study_name, slash, number = name.partition("/")
    check_name(study_name, "NAME")
    study = StudyFolder(StudyRequest(storage=storage).storage_folder() / study_name)
    study.require_known("NAME")
    record = study.load()
    if not slash:
        return study, record, None
    if not number.isdecimal() or int(number) not in record.trials:
        raise ValueError(
            f"NAME/NUMBER must name one of the {counted(len(record.trials), 'trial')} of "
            f"{study_name}, got {name!r}"
        )
    return study, record, record.trials[int(number)]


def load(
    study: StudyFolder, record: StudyRecord, trial: TrialRecord | None, trust: bool
) -> TrainedNetwork:
    """The network of ``find``'s answer.

    Raises:
        ValueError: one line; the study has saved none, or the trial's is gone or damaged.
    """
    from trainables import saved  # takes seconds
    from trainables.stages.copies import contents

    if trial is None:
        if not study.model.is_dir():
            raise ValueError(
                f"{study.model}: missing: the study has saved no network yet; NAME/NUMBER names "
                f"one of its trials"
            )
        network, config, _ = saved.load(study.model, trust)
        stages = saved.describe(study.model, trust).stages
        return TrainedNetwork(network, config, f"the network in {study.model}", stages)
    try:
        state = study.measured_checkpoint(trial).state()
    except DamageError as error:
        raise ValueError(f"trial {trial.number} has no network here: {error}") from None
    config = from_flat(trial.decided_config)
    network = saved.from_state(config, len(record.data.classes), state)
    stages = contents(trial.stages, study.stages)
    return TrainedNetwork(network, config, f"trial {trial.number} of {study.name}", stages)
