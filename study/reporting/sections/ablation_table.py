"""An ablation's tables as sections of a report; the terminal shows the same rows."""

from study.analysis.image_bootstrap import RESAMPLES
from study.analysis.results import AblationResults
from study.analysis.tables import Row, Table, protocol, published, same_protocol, verdict_of
from study.ledger.record import StudyRecord
from study.reporting.document import Block, Parts, Points, Prose, Section, Sheet
from study.reporting.sections import cell_search
from study.reporting.values import is_share


def heads(table: Table) -> list[str]:
    """Column names, for the terminal and the files."""
    paper = [name for setup in table.setups for name in (f"reported: {setup}", "its delta")]
    unit = " %" if is_share(table.metric) else ""
    return [
        "cell",
        f"{table.metric}{unit}",
        "delta",
        "interval",
        "p",
        "Holm",
        "P(A>B)",
        "verdict",
        "n",
        "failed",
        *paper,
    ]


def body(table: Table) -> list[list[str]]:
    """One list of texts per cell."""
    return [_line(table, row) for row in table.rows]


def _line(table: Table, row: Row) -> list[str]:
    found = row.comparison
    interval = "-"
    if found is not None and found.low is not None:
        interval = f"{_signed(found.low, table)} .. {_signed(found.high, table)}"
    paper = [
        text
        for setup in table.setups
        for text in (
            _plain(published(row.cell, setup, table.metric), table),
            _signed(_gain(table, row, setup), table),
        )
    ]
    verdict = verdict_of(row, table.baseline)
    return [
        row.cell.name,
        _plain(row.mean, table),
        _signed(found.mean if found else None, table),
        interval,
        _p(found.p if found else None),
        _p(found.p_holm if found else None),
        "-" if found is None or found.superiority is None else f"{found.superiority:.2f}",
        verdict,
        str(len(row.values)),
        _failures(row),
        *paper,
    ]


def _gain(table: Table, row: Row, setup: str) -> float | None:
    return None if row.cell.name == table.baseline else table.published_gain(row, setup)


def _plain(value: float | None, table: Table) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f}" if is_share(table.metric) else f"{value:.3f}"


def _signed(value: float | None, table: Table) -> str:
    if value is None:
        return "-"
    return f"{100 * value:+.2f}" if is_share(table.metric) else f"{value:+.3f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _failures(row: Row) -> str:
    """Runs that are not in the mean, and why; "0" if there are none."""
    counts = {
        "diverged": row.diverged,
        "failed": row.failed,
        "untested": row.untested,
        "not run yet": row.unfinished,
    }
    named = [f"{count} {why}" for why, count in counts.items() if count]
    return ", ".join(named) or "0"


def parts(results: AblationResults) -> Parts:
    """All tables with their protocol, and the cells that did not run."""
    record, found = results.record, Parts()
    for place, table in enumerate(results.tables):
        role = "the objective" if place == 0 else "measured beside it; not what was decided on"
        text = same_protocol(table) if place else protocol(record, table)
        inner: list[Block] = [Sheet(heads(table), body(table)), Prose(text)]
        if record.images.get(table.metric):
            inner.append(Prose(_over_images(record, table)))
        found.append(Section(f"`{table.metric}`: {role}", inner, 3 if place else 2))
    found += [Prose(note) for note in notes(results)]
    if results.untested:
        found += [Prose("Untested, with the reason:"), Points(results.untested)]
    if lacking := not_run(record):
        found += [Prose("Not run, with what is missing:"), Points(lacking)]
    return [*found, Prose(f"Source: {record.plan.grid.source}.")]


def not_run(record: StudyRecord) -> list[str]:
    """Every cell that cannot run here, with what it needs."""
    return [f"{cell.name}: needs {cell.needs}" for cell in record.plan.grid.cells if cell.needs]


def notes(results: AblationResults) -> list[str]:
    """What a reader must know of the runs before the verdicts."""
    found = cell_search.differing(results.record)
    if results.unchanged:
        found.insert(
            0,
            f"Equal to the baseline in every metric on every seed, so their change made no "
            f"difference yet: {', '.join(results.unchanged)}.",
        )
    return found


def _over_images(record: StudyRecord, table: Table) -> str:
    """What the choice of test images adds to the doubt, cells in the table's order."""
    found = record.images[table.metric]
    cells = [row.cell.name for row in table.rows if row.cell.name in found]
    named = "; ".join(
        f"{name} {_signed(found[name][0], table)} .. {_signed(found[name][1], table)}"
        for name in cells
    )
    return (
        f"Over images (the test list resampled {RESAMPLES} times, the trained networks as they "
        f"are; 95% percentile interval of the delta): {named}."
    )
