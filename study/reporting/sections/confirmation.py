"""The section about a search's winner on other seeds."""

from dataclasses import replace

from study.analysis.results import SearchResults
from study.reporting.document import Parts, Prose
from study.reporting.sections import verdicts


def section(results: SearchResults) -> Parts:
    """The winner against its base on other seeds; none without a comparison."""
    comparison = results.confirmation
    if comparison is None:
        return []
    table = comparison.tables[0]
    text = Prose(
        f"{comparison.record.plan.question} The winner is {comparison.record.plan.grid.source}."
    )
    verdict = verdicts.section(comparison)
    title = "The winner on other seeds"
    return [replace(verdict, title=title, blocks=[text, *verdict.blocks])] if table.rows else []
