"""The archived studies: their tables, and what their ledgers say of how they ran."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas

from study.ledger.lines import read_lines
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder, studies

HERE = Path(__file__).parent
GRID = "one_rate"
"""The grid of the studies that the page compares."""


@dataclass(frozen=True)
class Result:
    """A cell of a study by one metric, on the test list; fractions, no percent."""

    mean: float
    delta: float | None
    """None for the baseline."""
    verdict: str
    seeds: Mapping[str, float]


@dataclass(frozen=True)
class Archived:
    """A study."""

    folder: StudyFolder
    record: StudyRecord
    tables: Mapping[str, Mapping[str, Result]]
    """By metric and cell; without a comparison, or before its report is written, empty."""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def dataset(self) -> str:
        """``horses`` of the study ``horses-2``, which adds seeds to ``horses``."""
        return self.name.split("-")[0]

    @property
    def digest(self) -> str:
        """SHA-256 of the ledger's lines, decompressed."""
        lines, _ = read_lines(self.folder.ledger)
        return hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()


def table(path: Path) -> dict[str, dict[str, Result]]:
    """A study's ``table.csv``, by metric and cell."""
    found: dict[str, dict[str, Result]] = {}
    for row in pandas.read_csv(path).to_dict("records"):
        seeds = {
            name: value
            for name, value in row.items()
            if name.startswith("seed_") and not pandas.isna(value)
        }
        delta = None if pandas.isna(row["delta"]) else row["delta"]
        result = Result(row["mean"], delta, row["verdict"], seeds)
        # table.csv has an apostrophe before a name that a spreadsheet would take for a formula.
        found.setdefault(row["metric"], {})[row["cell"].removeprefix("'")] = result
    return found


def archived(home: Path = HERE) -> list[Archived]:
    """Every study below a folder, in the order in which they ran."""
    found = []
    for folder in studies(home):
        csv = folder.report / "table.csv"
        found.append(Archived(folder, folder.load(), table(csv) if csv.exists() else {}))
    return sorted(found, key=lambda study: study.record.first_time)


def compared(found: Sequence[Archived]) -> list[Archived]:
    """The latest study of each dataset with the grid of the page; datasets in the order in which
    their first studies ran."""
    latest = {study.dataset: study for study in found if study.record.plan.grid.name == GRID}
    first = dict.fromkeys(study.dataset for study in found)
    return [latest[dataset] for dataset in first if dataset in latest]
