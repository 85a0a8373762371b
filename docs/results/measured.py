"""docs/results/measured.md: how the studies of docs/results.md ran, and what has no room there."""

from collections.abc import Sequence
from pathlib import Path

from docs.results import classes, rates, runs, sections
from docs.results.archive import Archived, compared
from study.reporting import document
from study.reporting.document import Parts, Prose, Section

NAME = "measured.md"
_RATES = (
    "mIoU of plain cross-entropy on the validation list after the last epoch, by learning rate; in "
    "bold the rate of the comparison."
)


def page(found: Sequence[Archived], objective: str, home: Path) -> str:
    """The page, which lies in ``home``, the folder of the studies."""
    main_ones = compared(found)
    parts: Parts = [
        Section("How the results were measured", [runs.datasets(main_ones)], 1),
        runs.studies(found),
        Section("At which rate?", [Prose(_RATES), rates.sheet(found, objective)]),
        *sections.verdicts_on(main_ones, sections.IN_DETAIL),
        *classes.section(main_ones),
        runs.commands(found),
    ]
    reports = [f"- [{study.name}]({study.name}/report/report.md)" for study in found]
    return document.markdown(parts, home) + "\n".join(["\n## Reports\n", *reports, ""])
