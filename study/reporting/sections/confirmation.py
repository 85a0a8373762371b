"""The section about a search's winner on other seeds."""

from dataclasses import replace

from study.analysis.results import SearchResults
from study.ledger.design import NOT_SEARCHED, WINNER
from study.reporting.document import Parts, Prose
from study.reporting.sections import horizon, verdicts


def section(results: SearchResults) -> Parts:
    """The winner against its base on other seeds; none without a comparison."""
    comparison = results.confirmation
    if comparison is None:
        return []
    table = comparison.tables[0]
    text = Prose(
        f"`{WINNER}` against `{NOT_SEARCHED}`, the same training without the searched losses, on "
        "seeds not used in the search."
    )
    beside = [Prose(line) for line in horizon.lines(comparison)]
    verdict = verdicts.section(comparison, beside)
    title = "The winner on other seeds"
    return [replace(verdict, title=title, blocks=[text, *verdict.blocks])] if table.rows else []
