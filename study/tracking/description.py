"""The description of a study's run: its answer, the verdicts, the plot of the differences.

MLflow shows a run's description as Markdown on the run's first page.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from cluster.safe_text import printable
from study.analysis import comparability
from study.analysis.answer import answer, signed
from study.analysis.look_results import decided
from study.analysis.results import AblationResults, SearchResults
from study.analysis.tables import CORRECTED, Row, Table, verdict_of
from trainables.metrics.catalog import METRICS

NOTE = "mlflow.note.content"
"""The tag with a run's description, which users may edit."""
MARK = "description_sha256"
"""The tag with the hash of the description that Edgewise wrote: another text is a user's."""
_LENGTH = 7500
"""Characters of a description; MLflow cuts a tag at 8000 without a word."""
_ANSWER_LENGTH, _QUESTION_LENGTH, _CAVEAT_LENGTH, _CELL_LENGTH = 600, 300, 200, 100
"""Characters of texts that users shape, before markup in them is escaped to at most five times."""
_PLOT = "differences.png"
_MARKUP = re.compile(r"([\\`*_\[\]|~])")


def described(text: str) -> dict[str, str]:
    """The tags of a run with this description."""
    return {NOTE: text, MARK: _hash(text)}


def is_ours(tags: dict[str, str]) -> bool:
    """Whether a run has no description yet, or still the one that Edgewise wrote."""
    if NOTE not in tags:
        return MARK not in tags  # else a user has removed it
    return tags.get(MARK) == _hash(tags[NOTE])


def running(question: str) -> str:
    """The description of a study that has not ended."""
    return f"Running.\n\n{_plain(question, _QUESTION_LENGTH)}"


def of_study(
    results: SearchResults | AblationResults,
    caveat: str = "",
    files: Iterable[Path] = (),
    run_id: str = "",
) -> str:
    """The description of a study that has ended or was interrupted.

    Args:
        caveat: what makes the answer doubtful; "" for nothing.
        files: the report's, artifacts of the study's run in the folder ``report``.
        run_id: MLflow's id of that run; "" leaves the plot out.
    """
    head = [f"**{_plain(answer(results), _ANSWER_LENGTH)}**", _plain(caveat, _CAVEAT_LENGTH)]
    tail = [_plain(results.record.plan.question, _QUESTION_LENGTH), _plot(files, run_id)]
    left = _LENGTH - sum(len(block) + 2 for block in (*head, *tail))
    table = "" if results.comparison is None else _table(results.comparison, left)
    apart = "" if results.comparison is None else _apart(results.comparison, left - len(table) - 2)
    return "\n\n".join(block for block in (*head, table, apart, *tail) if block)


def _apart(results: AblationResults, length: int) -> str:
    """The published figures of the objective that are not comparable; "" if they do not fit."""
    table = results.tables[0]
    lines = [
        f"- {_plain(apart.title(), _CELL_LENGTH)}: {figures}. "
        f"{_plain(apart.reason(), _CAVEAT_LENGTH)}"
        for apart in results.apart
        if (figures := _figures(table, apart.name))
    ]
    text = "\n".join(["Published, and not measured as here:", "", *lines])
    if not lines or len(text) > length:
        return ""
    return text


def _figures(table: Table, setup: str) -> str:
    """``CE 79.50, CE + IABL 80.50``: a setup's figures by cell."""
    scale = 100 if METRICS[table.metric].unit == "fraction" else 1
    figures = {
        row.cell.name: comparability.figure(row.cell, setup, table.metric) for row in table.rows
    }
    return ", ".join(
        f"{_plain(name, _CELL_LENGTH)} {scale * value:.2f}"
        for name, value in figures.items()
        if value is not None
    )


def _plot(files: Iterable[Path], run_id: str) -> str:
    """The picture of the differences, if the report has it. Its address is relative to the page,
    because a server may lie behind a prefix."""
    if not run_id or all(path.name != _PLOT for path in files):
        return ""
    source = f"get-artifact?path=report/{_PLOT}&run_uuid={run_id}"
    return f"![differences from the baseline]({source})"


def _table(results: AblationResults, length: int) -> str:
    """The objective's table, with as many rows as fit, the rest counted below it."""
    table = results.tables[0]
    unit = "%" if table.unit == "fraction" else table.unit
    heads = ["cell", f"{table.metric} {unit} ({table.split})", "delta", "interval"]
    heads += [
        f"p ({CORRECTED[table.correction]})",
        "verdict",
        *(["decided"] if table.looks else []),
        "n",
    ]
    lines = [heads, ["---"] * len(heads), *(_cells(row, table) for row in table.rows)]
    texts = [f"| {' | '.join(line)} |" for line in lines]
    rest = f"\n\nAll {len(table.rows)} rows are in `report/table.md`."
    if len("\n".join(texts)) <= length:
        return "\n".join(texts)
    while len("\n".join(texts)) + len(rest) > length:
        texts.pop()
    return "\n".join(texts) + rest


def _cells(row: Row, table: Table) -> list[str]:
    name, metric, compared = _plain(row.cell.name, _CELL_LENGTH), table.metric, row.comparison
    scale = 100 if METRICS[metric].unit == "fraction" else 1
    mean = "-" if row.mean is None else f"{scale * row.mean:.2f}"
    verdict, count = verdict_of(row), str(len(row.values))
    end = [verdict, *([decided(compared)] if table.looks else []), count]
    if compared is None or compared.mean is None:
        return [name, mean, "-", "-", "-", *end]
    interval = "-"
    if compared.low is not None and compared.high is not None:
        interval = f"{signed(compared.low, metric)} .. {signed(compared.high, metric)}"
    p = "-" if compared.p_corrected is None else f"{compared.p_corrected:.4f}"
    return [name, mean, signed(compared.mean, metric), interval, p, *end]


def _plain(text: str, length: int) -> str:
    """The beginning of a text in one line and without markup, whatever a user named so."""
    one_line = " ".join(printable(text).split())[:length]
    escaped = one_line.replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\1", escaped)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
