"""`study/report.py A B C --together`: the comparisons of several datasets in one model."""

import math
from collections.abc import Sequence
from pathlib import Path

from study.analysis.together import Together, together
from study.ledger.storage import check_name
from study.ledger.study_folder import StudyFolder
from study.reporting.sections.together import answer
from study.reporting.write_together import write
from trainables.config import require
from trainables.metrics.catalog import METRICS

_LONGEST = 100


def gathered(
    names: Sequence[str], storage: Path, cells: str | None, smallest: float | None
) -> Together:
    """Read the studies and pool them.

    Args:
        names: of studies in the storage.
        storage: the folder of studies.
        cells: those to pool, separated by commas; None: all.
        smallest: gains up to here are practically none: percentage points of a metric that is a
            fraction, else the metric's unit; None: the default.

    Raises:
        ValueError: one line; no names, a study is not there, or they do not answer one question.
    """
    if smallest is not None:
        require(0 <= smallest < math.inf, "--smallest", ">= 0", smallest)
    records = []
    for name in names:
        check_name(name, "NAME")
        folder = StudyFolder(storage / name)
        folder.require_known("NAME")
        records.append(folder.load())
    shares = bool(records) and METRICS[records[0].plan.objective].unit == "fraction"
    if smallest is not None and shares:
        smallest /= 100
    return together(records, cells.split(",") if cells else (), smallest)


def report(found: Together, storage: Path, out: Path | None) -> None:
    """Write the report and print the answer and the files."""
    for path in write(found, out or storage / "together" / folder_name(found)):
        print(path)
    print(answer(found))


def folder_name(found: Together) -> str:
    """The studies' names, in the order given; of many, the first and their number."""
    names = "+".join(study.name for study in found.studies)
    if len(names) <= _LONGEST:
        return names
    return f"{found.studies[0].name}+{len(found.studies) - 1}-others"
