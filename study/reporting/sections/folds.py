"""The section with the objective by fold: each fold's own test images, and every cell's gain."""

from collections.abc import Mapping

from study.analysis.folds import by_fold
from study.analysis.results import AblationResults
from study.analysis.sign_flips import paired
from study.analysis.tables import Row, Table
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.sections.ablation_table import plain, signed_in
from study.reporting.values import metric_head


def section(results: AblationResults) -> Parts:
    """A row per fold; none in a study without folds."""
    table, data = results.tables[0], results.record.data
    if not table.folds:
        return []
    cells = [row for row in table.rows if row.comparison is not None]
    heads = [
        "fold",
        "training images",
        "test images",
        metric_head(table.metric, table.unit),
        *(f"Δ {row.cell.name}" for row in cells),
    ]
    base = table.row(table.baseline)
    rows = [
        [
            str(fold),
            str(data.images_of(fold)["train"]),
            str(data.images_of(fold)["test"]),
            plain(_mean(base.values, table, fold), table),
            *(signed_in(_gain(row, table, fold), table) for row in cells),
        ]
        for fold in range(1, table.folds + 1)
    ]
    text = (
        f"`{table.metric}` of `{table.baseline}` on each fold's own test images, and every cell's "
        f"difference from its baseline there, both the mean over seeds."
    )
    return [Section("By fold", [Sheet(heads, rows), Prose(text)])]


def _gain(row: Row, table: Table, fold: int) -> float | None:
    """The mean difference of a cell on the seeds of a fold that both have."""
    return _mean(paired(row.values, table.row(row.baseline).values), table, fold)


def _mean(values: Mapping[int, float], table: Table, fold: int) -> float | None:
    found = by_fold(values, table.folds).get(fold)
    return sum(found) / len(found) if found else None
