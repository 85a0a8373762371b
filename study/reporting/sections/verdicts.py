"""One table of an ablation's verdicts: the objective with its test, other metrics beside it."""

from collections.abc import Sequence

from study.analysis import fold_protocol, protocol, tables
from study.analysis.measured_epoch import after
from study.analysis.results import AblationResults
from study.analysis.statistics import ALPHA, coverage_note
from study.analysis.tables import Row, Table, verdict_of
from study.analysis.units import difference_unit
from study.ledger.record import StudyRecord
from study.reporting.document import Block, Prose, Section, Sheet
from study.reporting.sections import ablation_table, looks
from study.reporting.values import metric_head


def section(results: AblationResults, beside: Sequence[Block] = ()) -> Section:
    """The table, how its figures were obtained, and what a reader needs ``beside`` it."""
    objective = results.tables[0]
    others = [table for table in results.tables[1:] if table.metric in tables.BESIDE]
    sheet = Sheet(_head(objective, others), _body(objective, others))
    said = Prose(_said(results, objective, others))
    title, notes = f"Against {protocol.baselines(objective)}", ablation_table.remarks(results)
    return Section(title, [sheet, said, *looks.blocks(results), *beside, *notes])


def _head(objective: Table, others: list[Table]) -> list[str]:
    return [
        "cell",
        metric_head(objective.metric, objective.unit),
        "delta",
        "interval",
        tables.CORRECTED[objective.correction],
        "verdict",
        *(["decided"] if objective.looks else []),
        *(f"Δ {table.metric}" for table in others),
        "n",
        "failed",
    ]


def _body(objective: Table, others: list[Table]) -> list[list[str]]:
    """The rows, with the texts of the complete tables."""
    shown = (
        "cell",
        ablation_table.heads(objective)[1],
        "delta",
        "interval",
        tables.CORRECTED[objective.correction],
        "verdict",
        *(["decided"] if objective.looks else []),
    )
    rows = []
    for place, row in enumerate(objective.rows):
        texts = _texts(objective, row)
        beside = [_with_verdict(table, table.rows[place]) for table in others]
        rows.append([*(texts[name] for name in shown), *beside, texts["n"], texts["failed"]])
    return rows


def _texts(table: Table, row: Row) -> dict[str, str]:
    """The row of the complete table, by column."""
    heads, line = ablation_table.heads(table), ablation_table.line(table, row)
    return dict(zip(heads, line, strict=True))


def _with_verdict(table: Table, row: Row) -> str:
    """``+0.21 better``; a dash where there is no difference."""
    delta = _texts(table, row)["delta"]
    return delta if delta == "-" else f"{delta} {verdict_of(row)}"


def _delta(record: StudyRecord, objective: Table) -> str:
    """What a difference, its interval and its corrected p are."""
    seeds, unit = len(record.plan.design.seeds), difference_unit(objective.unit)
    base, column = protocol.baselines(objective), tables.CORRECTED[objective.correction]
    if objective.folds:
        return f"{fold_protocol.delta(base, unit)}. {column}: this p"
    return (
        f"Delta: mean over seeds of cell - {base} in {unit}, with its {1 - ALPHA:.0%} "
        f"interval{coverage_note(seeds)}; "
        f"{column}: p of an exact sign-flip test paired by seed"
    )


def _said(results: AblationResults, objective: Table, others: list[Table]) -> str:
    record = results.record
    where = f"On the {record.data.list_name(objective.split)} {after(record.plan)}"
    text = (
        f"{where}, {fold_protocol.units(record.plan)}. {_delta(record, objective)}, "
        f"{protocol.corrected_by(record)} "
        f"over the cells; better or worse if that is at most {protocol.bound(record.plan)}. "
        f"`{objective.metric}` is the objective and decides"
    )
    if others:
        text += "; each other metric is corrected by itself and decides nothing"
    return f"{text}. {protocol.looks(record)}{protocol.power(record)}{protocol.left_out(objective)}"
