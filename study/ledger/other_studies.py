"""The records of a storage's other studies."""

from collections.abc import Iterator
from pathlib import Path

from study.ledger.errors import LedgerError
from study.ledger.record import StudyRecord
from study.ledger.study_folder import studies


def other_records(
    storage: Path, study: str = "", left_out: set[str] | None = None
) -> Iterator[StudyRecord]:
    """The records of all studies but one.

    A study that cannot be read is left out: it may be damaged, of another schema, or of another
    user who keeps it private. Its line is added to ``left_out``.
    """
    for folder in studies(storage):
        if folder.name == study:
            continue
        try:
            yield folder.load()
        except (LedgerError, FileNotFoundError) as error:
            if left_out is not None:
                left_out.add(str(error))
