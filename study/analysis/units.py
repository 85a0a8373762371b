"""The units of a study's metrics."""

from study.ledger.record import StudyRecord
from trainables.metrics.catalog import LENGTH, METRICS


def unit_in(record: StudyRecord, metric: str) -> str:
    """A metric's unit: ``fraction``, ``mm`` ...; of distances the one that the study's data have,
    which older ledgers do not say."""
    unit = METRICS[metric].unit
    return record.data.unit or unit if unit == LENGTH else unit


def difference_unit(unit: str) -> str:
    """The unit of differences between values with this unit."""
    return "percentage points" if unit == "fraction" else unit
