"""An ablation's tables as files: Markdown, CSV and LaTeX. The same ledger gives the same bytes."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas

from cluster.safe_text import printable
from study.analysis import comparability, refinements
from study.analysis.costs import by_cell, figures
from study.analysis.other_network import prefix
from study.analysis.protocol import protocol
from study.analysis.results import AblationResults
from study.analysis.tables import Row, Table, verdict_of
from study.ledger.design import Ablation, seed_and_fold
from study.reporting import document
from study.reporting.document import Prose
from study.reporting.sections import ablation_table
from trainables.config import Value

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        ">": r"\textgreater{}",
        "<": r"\textless{}",
        "|": r"\textbar{}",
        "`": r"\textasciigrave{}",
        **{letter: "\\" + letter for letter in "&%$#_{}"},
        # At the beginning of a row, the line break before it would take these for its options.
        **{letter: f"{{{letter}}}" for letter in "[]*"},
    }
)
_LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")
"""Between letters that LaTeX joins: two hyphens are a dash, two apostrophes a quotation mark."""


def files(results: AblationResults, caveat: str = "") -> dict[str, str]:
    """The content of each file, by its name; ``caveat`` is what a reader must know of it all."""
    found = _files(results, caveat, "table")
    if results.other is not None:
        name = f"table_{prefix(results.record.plan.base)}"
        said = [ablation_table.beside(results.other).removesuffix("."), caveat]
        found |= _files(results.other, ". ".join(filter(None, said)), name)
    return found


def _files(results: AblationResults, caveat: str, name: str) -> dict[str, str]:
    parts = [*ablation_table.parts(results), *([Prose(f"**{caveat}.**")] if caveat else [])]
    return {
        f"{name}.md": document.markdown(parts, Path()),
        f"{name}.csv": comma_separated(results),
        f"{name}.tex": latex(results, caveat),
    }


def comma_separated(results: AblationResults) -> str:
    """The tables as CSV: one row per cell and metric, one column per seed or per
    fold and seed; no percent."""
    return guarded_csv(frame(results))


def guarded_csv(table: pandas.DataFrame) -> str:
    """A table as CSV in which no text of a user is a formula."""
    return str(table.map(_guarded).to_csv(index=False, lineterminator="\n"))


def frame(results: AblationResults) -> pandas.DataFrame:
    """The tables as one: a row per cell and metric, a column per seed; fractions, no percent."""
    plan, lists = results.record.plan, results.record.data.lists
    design = plan.ablation
    costs = by_cell(results.record)
    rows = [
        {
            **_row(table, row, design, lists.get(table.split, table.split), plan.base),
            **_apart(results, table, row),
            **(figures(costs[row.cell.name]) if row.cell.name in costs else {}),
        }
        for table in results.tables
        for row in table.rows
    ]
    # Type object: beside a missing value, pandas would turn integers into floats.
    return pandas.DataFrame(rows, dtype=object)


def _guarded(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe; numbers stay."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text


def _row(
    table: Table, row: Row, design: Ablation, split: str, base: Mapping[str, Value]
) -> dict[str, object]:
    compared = row.comparison
    return {
        "cell": row.cell.name,
        "metric": table.metric,
        "split": split,
        "mean": row.mean,
        "delta": compared and compared.mean,
        "low": compared and compared.low,
        "high": compared and compared.high,
        "p": compared and compared.p,
        **_corrected(table, row),
        "p_holm": compared and compared.p_holm,
        "superiority": compared and compared.superiority,
        "verdict": verdict_of(row),
        **_look(table, row),
        "n": len(row.values),
        "diverged": row.diverged,
        "failed": row.failed,
        "unfinished": row.unfinished,
        **({"untested": row.untested} if row.untested else {}),
        **({"unmeasured": row.unmeasured} if row.unmeasured else {}),
        "needs": row.cell.needs,
        **_refined(row, base),
        "published": _published(table, row, table.setups),
        **{_column(unit, design.folds): row.values.get(unit) for unit in design.units},
    }


def _refined(row: Row, base: Mapping[str, Value]) -> dict[str, object]:
    """What corrects the cell's test; no column where nothing corrects any."""
    method = refinements.method({**base, **row.cell.changes})
    return {"refined": method} if method else {}


def _column(unit: int, folds: int) -> str:
    """``seed_0``; ``fold_1_seed_0``."""
    seed, fold = seed_and_fold(unit, folds)
    return f"fold_{fold}_seed_{seed}" if fold else f"seed_{seed}"


def _apart(results: AblationResults, table: Table, row: Row) -> dict[str, object]:
    """The column with published figures that are not comparable; none if all are."""
    names = [apart.name for apart in results.apart]
    return {"published_apart": _published(table, row, names)} if names else {}


def _published(table: Table, row: Row, setups: Iterable[str]) -> str:
    """``setup: figure; setup: figure`` of one cell and metric."""
    figures = {name: comparability.figure(row.cell, name, table.metric) for name in setups}
    known = {name: value for name, value in figures.items() if value is not None}
    return "; ".join(f"{name}: {value:g}" for name, value in known.items())


def _corrected(table: Table, row: Row) -> dict[str, float | None]:
    """The p-value that decides, unless that is Holm's, which has a column of its own."""
    if table.correction == "holm":
        return {}
    return {"p_corrected": row.comparison.p_corrected if row.comparison else None}


def _look(table: Table, row: Row) -> dict[str, object]:
    """When and how the cell was decided, in a study with looks or a smallest effect."""
    if not table.looks:
        return {}
    look = row.comparison.look if row.comparison else None
    return {
        "look_state": look and look.state,
        "look_seeds": look and look.seeds,
        "p_same": look and look.p_same,
    }


def latex(results: AblationResults, caveat: str = "") -> str:
    """The objective's table as LaTeX for ``booktabs``, with its protocol as the caption."""
    table = results.tables[0]
    heads, *rows = (
        [_as_latex(text) for text in line]
        for line in (ablation_table.heads(table), *ablation_table.body(table))
    )
    words = [protocol(results.record, table), *([f"{caveat}."] if caveat else [])]
    caption = _as_latex(" ".join(words).replace("`", ""))  # which set names apart in Markdown
    columns = "l" + "r" * (len(heads) - 1)
    frame = pandas.DataFrame(rows, columns=heads)  # escaped here: pandas leaves < and > as they are
    return str(frame.to_latex(index=False, escape=False, column_format=columns, caption=caption))


def _as_latex(text: str) -> str:
    """The text as LaTeX that shows it literally."""
    parts = _LIGATURES.split(printable(text))
    return "{}".join(part.translate(_LATEX) for part in parts)
