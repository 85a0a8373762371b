"""The tables of an ablation: as sections of its report, and as rows for terminal and files."""

from study.analysis import comparability, same_images
from study.analysis.answer import signed
from study.analysis.image_bootstrap import RESAMPLES
from study.analysis.look_results import decided
from study.analysis.measured_epoch import after
from study.analysis.protocol import protocol, same_protocol
from study.analysis.results import AblationResults
from study.analysis.tables import CORRECTED, Row, Table, verdict_of
from study.ledger.record import StudyRecord
from study.reporting.document import Block, Parts, Points, Prose, Section, Sheet
from study.reporting.sections import cell_search, published, task_gains
from study.reporting.values import is_share, metric_head, percent
from trainables.config.words import zero_without_sign


def heads(table: Table) -> list[str]:
    """The column names of a table."""
    paper = [name for setup in table.setups for name in (f"reported: {setup}", "its delta")]
    return [
        "cell",
        metric_head(table.metric, table.unit),
        "delta",
        "interval",
        "p",
        CORRECTED[table.correction],
        "P(A>B)",
        "verdict",
        *(["decided"] if table.looks else []),
        "n",
        "failed",
        *paper,
    ]


def body(table: Table) -> list[list[str]]:
    """The rows of a table, one list of texts per cell."""
    return [line(table, row) for row in table.rows]


def line(table: Table, row: Row) -> list[str]:
    """One row as texts, in the order of ``heads``."""
    compared = row.comparison
    interval = "-"
    if compared is not None and compared.low is not None:
        interval = f"{signed_in(compared.low, table)} .. {signed_in(compared.high, table)}"
    paper = [
        text
        for setup in table.setups
        for text in (
            plain(comparability.figure(row.cell, setup, table.metric), table),
            signed_in(table.published_gain(row, setup), table),
        )
    ]
    verdict = verdict_of(row)
    return [
        row.cell.name,
        plain(row.mean, table),
        signed_in(compared.mean if compared else None, table),
        interval,
        _p(compared.p if compared else None),
        _p(compared.p_corrected if compared else None),
        "-" if compared is None or compared.superiority is None else f"{compared.superiority:.2f}",
        verdict,
        *([decided(compared)] if table.looks else []),
        str(len(row.values)),
        _failures(row),
        *paper,
    ]


def plain(value: float | None, table: Table) -> str:
    """A value of the table's metric; a dash for None."""
    if value is None:
        return "-"
    if is_share(table.metric):
        return percent(value)
    return zero_without_sign(f"{value:.3f}")


def signed_in(value: float | None, table: Table) -> str:
    """A difference in the table's metric, with its sign; a dash for None."""
    if value is None:
        return "-"
    return signed(value, table.metric)


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _failures(row: Row) -> str:
    """The runs that are missing in the mean, by reason; "0" if there are none."""
    counts = {
        "diverged": row.diverged,
        "failed": row.failed,
        "untested": row.untested,
        "not measured": row.unmeasured,
        "not run yet": row.unfinished,
    }
    named = [f"{count} {why}" for why, count in counts.items() if count]
    return ", ".join(named) or "0"


def parts(results: AblationResults) -> Parts:
    """All tables with their protocol, and the cells that did not run."""
    beside = [*task_gains.section(results), *published.sections(results)]
    return [*tables(results), *beside, *remarks(results)]


def tables(results: AblationResults) -> list[Section]:
    """The complete table of each metric with its protocol, the objective's first; then the
    objective's by the networks that are tested beside the measured ones."""
    record, sections = results.record, list[Section]()
    for place, table in enumerate(results.tables):
        role = "the objective" if place == 0 else "also measured; not the objective"
        text = same_protocol(table) if place else protocol(record, table)
        inner: list[Block] = [Sheet(heads(table), body(table)), Prose(text)]
        if record.images.get(table.metric):
            inner.append(Prose(_over_images(record, table)))
        sections.append(Section(f"`{table.metric}`: {role}", inner, 3 if place else 2))
        sections += [] if place else _by_other(results)
    return sections


def _by_other(results: AblationResults) -> list[Section]:
    other = results.other
    if other is None:
        return []
    table = other.tables[0]
    blocks: list[Block] = [Sheet(heads(table), body(table)), Prose(beside(other))]
    if other.untested:
        blocks += [Prose("Untested, with the reason:"), Points(other.untested)]
    return [Section(f"`{table.metric}` {after(other.record.plan)}", blocks, 3)]


def beside(other: AblationResults) -> str:
    """What the networks beside the measured ones are, and that they decide nothing."""
    plan, data, table = other.record.plan, other.record.data, other.tables[0]
    return (
        f"`{table.metric}` on the {data.list_name(table.split)} by the networks {after(plan)}, "
        "from the same runs. The verdict rests on the table above, as decided before the first "
        "trial; this one is corrected by itself and decides nothing."
        f"{same_images.said(plan, data.shared, data.images)}"
    )


def remarks(results: AblationResults) -> list[Block]:
    """What a reader needs beside the tables: warnings, what has no figure and why, the source."""
    record = results.record
    blocks: list[Block] = [Prose(note) for note in notes(results)]
    if results.untested:
        blocks += [Prose("Untested, with the reason:"), Points(results.untested)]
    if lacking := not_run(record):
        blocks += [Prose("Not run, with what is missing:"), Points(lacking)]
    beside = [Prose(line) for line in published.remarks(results)]
    return [*blocks, *beside, Prose(f"Source: {record.plan.grid.source}.")]


def not_run(record: StudyRecord) -> list[str]:
    """A line for every cell that cannot run here, with what it needs."""
    return [f"{cell.name}: needs {cell.needs}" for cell in record.plan.grid.cells if cell.needs]


def notes(results: AblationResults) -> list[str]:
    """Warnings about the runs that a reader needs before trusting the verdicts."""
    return cell_search.differing(results.record)


def _over_images(record: StudyRecord, table: Table) -> str:
    """The intervals over resampled test images, cells in the table's order."""
    intervals = record.images[table.metric]
    cells = [row.cell.name for row in table.rows if row.cell.name in intervals]
    named = "; ".join(
        f"{name} {signed_in(intervals[name][0], table)} .. {signed_in(intervals[name][1], table)}"
        for name in cells
    )
    return (
        f"Over images (the {record.data.list_name('test')} resampled {RESAMPLES} times, the "
        f"trained networks as they are; 95% percentile interval of the delta): {named}."
    )
