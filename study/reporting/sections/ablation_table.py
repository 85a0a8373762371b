"""An ablation table as Markdown, CSV and LaTeX: the same ledger gives the same bytes."""

import csv
import io
from pathlib import Path

from study.analysis import tables
from study.analysis.image_bootstrap import RESAMPLES
from study.analysis.tables import (
    Row,
    Table,
    is_share,
    protocol,
    published,
    same_protocol,
    verdict_of,
)
from study.ledger.record import StudyRecord
from study.reporting import document
from study.reporting.document import Block, Points, Prose, Section, Sheet
from study.reporting.sections import cell_search

_STATISTICS = ("delta", "low", "high", "p", "p_holm", "superiority")


def heads(table: Table) -> list[str]:
    """Column names, shared by the terminal and the files."""
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
    """One list of texts a cell."""
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
    counts = {"diverged": row.diverged, "failed": row.failed, "not run yet": row.unfinished}
    named = [f"{count} {why}" for why, count in counts.items() if count]
    return ", ".join(named) or "0"


def markdown(record: StudyRecord) -> str:
    """All tables with their protocol, and what was not run."""
    return document.markdown(parts(record), Path())


def parts(record: StudyRecord) -> list[Block | Section]:
    """The same, to be put into a report."""
    found: list[Block | Section] = []
    for place, table in enumerate(tables.metric_tables(record)):
        role = "the objective" if place == 0 else "measured beside it; not what was decided on"
        taken = same_protocol(table) if place else protocol(record, table)
        inner: list[Block] = [Sheet(heads(table), body(table)), Prose(taken)]
        if record.images.get(table.metric):
            inner.append(Prose(_over_images(record, table)))
        found.append(Section(f"`{table.metric}`: {role}", inner, 3 if place else 2))
    found += [Prose(note) for note in notes(record)]
    lacking = [cell for cell in record.plan["grid"]["cells"] if cell["needs"]]
    if lacking:
        named = [f"{cell['name']}: needs {cell['needs']}" for cell in lacking]
        found += [Prose("Not run, with what is missing:"), Points(named)]
    return [*found, Prose(f"Source: {record.plan['grid']['source']}.")]


def notes(record: StudyRecord) -> list[str]:
    """What a reader must know of the runs before the verdicts."""
    same = tables.unchanged(record)
    equal = (
        [
            f"Equal to the baseline in every metric on every seed, so their change made no "
            f"difference yet: {', '.join(same)}."
        ]
        if same
        else []
    )
    return [*equal, *cell_search.differing(record)]


def _over_images(record: StudyRecord, table: Table) -> str:
    """What the choice of test images adds to the doubt, cells in the table's order."""
    found = record.images[table.metric]
    rows = ((row.cell.name, *found[row.cell.name]) for row in table.rows if row.cell.name in found)
    named = "; ".join(
        f"{name} {_signed(low, table)} .. {_signed(high, table)}" for name, low, high in rows
    )
    return (
        f"Over images (the test list resampled {RESAMPLES} times, the trained networks as they "
        f"are; 95% percentile interval of the delta): {named}."
    )


def comma_separated(record: StudyRecord) -> str:
    """One row a cell and metric, figures as fractions, and one column a seed."""
    seeds = [int(seed) for seed in record.plan["seeds"]]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            "cell",
            "metric",
            "split",
            "mean",
            *_STATISTICS,
            "verdict",
            "n",
            "diverged",
            "failed",
            "unfinished",
            "needs",
            "published",
            *(f"seed_{seed}" for seed in seeds),
        ]
    )
    for table in tables.metric_tables(record):
        for row in table.rows:
            found = row.comparison
            figures = (
                [found.mean, found.low, found.high, found.p, found.p_holm, found.superiority]
                if found
                else [None] * len(_STATISTICS)
            )
            paper = "; ".join(
                f"{setup}: {value:g}"
                for setup in table.setups
                if (value := published(row.cell, setup, table.metric)) is not None
            )
            writer.writerow(
                [
                    row.cell.name,
                    table.metric,
                    table.split,
                    row.mean,
                    *figures,
                    verdict_of(row, table.baseline),
                    len(row.values),
                    row.diverged,
                    row.failed,
                    row.unfinished,
                    row.cell.needs,
                    paper,
                    *(row.values.get(seed) for seed in seeds),
                ]
            )
    return buffer.getvalue()


def latex(record: StudyRecord) -> str:
    """The objective's table for ``booktabs``, its protocol as the caption."""
    table = tables.metric_tables(record)[0]
    columns = "l" + "r" * (len(heads(table)) - 1)
    rows = [" & ".join(_escaped(text) for text in line) + r" \\" for line in body(table)]
    head = " & ".join(_escaped(text) for text in heads(table)) + r" \\"
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\caption{{{_escaped(protocol(record, table).replace('`', ''))}}}",
            r"\end{table}",
            "",
        ]
    )


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    ">": r"\textgreater{}",
    "<": r"\textless{}",
    **{letter: "\\" + letter for letter in "&%$#_{}"},
}


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)
