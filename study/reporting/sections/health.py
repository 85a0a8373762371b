"""The section about the health of a study."""

from collections.abc import Sequence

from study.analysis.finding import Finding
from study.reporting.document import Parts, Points, Section


def section(found: Sequence[Finding]) -> Parts:
    """One point for each finding; nothing without any."""
    return [Section("Health of the study", [Points([*map(str, found)])])] if found else []
