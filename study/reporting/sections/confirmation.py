"""The section about a search's winner on other seeds."""

from dataclasses import replace

from study.analysis.results import SearchResults
from study.reporting.document import Parts, Prose, Section
from study.reporting.sections import ablation_table


def section(results: SearchResults) -> Parts:
    """The winner against its base on other seeds; none without a comparison."""
    comparison = results.confirmation
    if comparison is None:
        return []
    table = comparison.tables[0]
    text = Prose(
        f"{comparison.record.plan.question} The winner is {comparison.record.plan.grid.source}."
    )
    tables = [part for part in ablation_table.parts(comparison) if isinstance(part, Section)]
    title = Section("The winner on other seeds", [text])
    return [title, *(replace(part, level=3) for part in tables)] if table.rows else []
