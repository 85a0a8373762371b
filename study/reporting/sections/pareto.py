"""The Pareto set of a search with several objectives, as cells of a table."""

from study.analysis.results import SearchResults
from study.analysis.units import unit_in
from study.reporting.values import assignments, metric_head, metric_value


def rows(results: SearchResults) -> tuple[list[str], list[list[str]]]:
    """The table's heads and its rows: the objectives of each trial of the set, on the validation
    list and, if any was measured there, on the test list."""
    objectives, front = list(results.record.plan.objectives), results.front
    tested = any(trial.tested for trial in front)
    heads = [metric_head(name, unit_in(results.record, name)) for name in objectives]
    cells = []
    for trial in front:
        row = [metric_value(name, trial.value(name)) for name in objectives]
        if tested:
            on_test = trial.tested or {}
            row += [metric_value(name, on_test.get(f"test_{name}")) for name in objectives]
        cells.append([str(trial.number), *row, assignments(trial.params)])
    where = results.record.data.lists.get("test", "test")
    on_test_heads = [f"{where} {head}" for head in heads] if tested else []
    return ["trial", *heads, *on_test_heads, "parameters"], cells
