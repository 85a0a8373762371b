"""`--init`: the file that whole networks start from, or a trial of an earlier study."""

from pathlib import Path

from study.ledger.errors import LedgerError
from study.ledger.study_folder import StudyFolder
from trainables.config import Value, refused
from trainables.training.checkpoint import STATE

_NETWORK = ("model/network", "model/encoder", "model/width")
"""What a trial's network is; a study that starts from it has the same unless it says otherwise."""


def fields(storage: Path, given: str) -> dict[str, Value]:
    """The config fields that ``--init`` decides: the file, and of a trial its kind of network.

    Args:
        given: a file, or ``NAME/NUMBER``, a trial of this storage; a file comes first.

    Raises:
        ValueError: it is neither, or the trial's network is no longer there.
    """
    file = Path(given).expanduser()
    if file.is_file():
        return {"model/init": str(file.resolve())}
    name, slash, number = given.rpartition("/")
    folder = StudyFolder(storage / name)
    if not slash or not number.isdigit() or not folder.ledger.is_file():
        raise refused("--init", f"a file, or NAME/NUMBER of a trial in {storage}", given)
    try:
        trials = folder.load().trials
    except LedgerError as error:
        raise ValueError(f"--init {given}: {error}") from None
    if int(number) not in trials:
        raise refused("--init", f"one of the {len(trials)} trials of {name}", given)
    trial = trials[int(number)]
    found = folder.measured_checkpoint(trial)
    if not found.has_state:
        raise ValueError(
            f"--init {given}: {found.folder / STATE} is gone: a study keeps its best networks only"
        )
    kind = {path: trial.config[path] for path in _NETWORK if path in trial.config}
    return {**kind, "model/init": str((found.folder / STATE).resolve())}
