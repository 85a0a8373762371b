"""Writing the files of a report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from study.analysis import health
from study.analysis.answer import answer
from study.analysis.image_counts import confusions
from study.analysis.lost_classes import lost_classes
from study.analysis.networks import inspected
from study.analysis.recorded_space import space_of
from study.analysis.results import AblationResults, SearchResults
from study.ledger.study_folder import StudyFolder
from study.reporting import document, html, table_files
from study.reporting.document import Prose, Section
from study.reporting.figures import draw
from study.reporting.figures.confusion import confusion
from study.reporting.sections import class_shares, films, report
from study.reporting.sections.report import Content

_CLASSES = "classes.csv"
"""Of an earlier report it is removed: without counts it is not written again."""


@dataclass(frozen=True)
class _Content:
    """The content that differs between the reports of a search and of an ablation."""

    content: Content
    figures: Mapping[str, Figure | None]
    caption: str = ""
    """Added to the captions of plots that show cells instead of trials."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """The content of further files, by name."""


def write(
    results: SearchResults | AblationResults, folder: StudyFolder, importance: Mapping[str, float]
) -> list[Path]:
    """Write the report, its tables and its figures.

    The same ledger, with the same counts and pictures beside it, gives the same bytes.

    Args:
        results: of the study in ``folder``.
        folder: where to write, and where the counts and pictures are.
        importance: by searched parameter, its share of the objective's variance.

    Returns:
        The paths: ``report.md``, then ``report.html``, which needs no other file, then the rest.
    """
    plan, target = results.record.plan, folder.report
    with matplotlib.rc_context(draw.STYLE):
        content = _content(results, folder, importance)
        plots = draw.save(content.figures, target)
    found = health.findings(results, importance)
    parts = report.complete(results, folder, content.content, plots, content.caption, found)
    said = answer(results)
    title = Section(plan.study, [Prose(f"**{said}**"), Prose(plan.question)], 1)
    texts = {
        "report.md": document.markdown([title, *parts], target),
        "report.html": html.page(plan.study, plan.question, said, parts),
        **content.tables,
        **films.files(results, folder),
    }
    for name, text in texts.items():
        (target / name).write_text(text)
    return [*(target / name for name in texts), *plots.values()]


def _content(
    results: SearchResults | AblationResults, folder: StudyFolder, importance: Mapping[str, float]
) -> _Content:
    match results:
        case SearchResults():
            space = space_of(results.record)
            parts = report.of_search(results, folder, importance)
            figures = draw.of_search(results, space, importance)
            return _Content(parts, {**figures, **_confusion(results, folder)})
        case AblationResults():
            plan, parts = results.record.plan, report.of_ablation(results, folder)
            caption = " A cell is the mean over its seeds; bands and small points are single seeds."
            if plan.design.folds:
                caption = caption.replace("seeds", "runs")
            files = table_files.files(results, lost_classes(results.record, folder))
            by_class = class_shares.table(results, folder)
            (folder.report / _CLASSES).unlink(missing_ok=True)
            if not by_class.empty:
                files[_CLASSES] = table_files.guarded_csv(by_class)
            figures = {**draw.of_ablation(results), **_confusion(results, folder)}
            return _Content(parts, figures, caption, files)


def _confusion(
    results: SearchResults | AblationResults, folder: StudyFolder
) -> dict[str, Figure | None]:
    """The confusion of classes, from the counts on the list that the figures are of."""
    networks, record = inspected(results), results.record
    measured = all(trial.tested is not None for trials in networks.values() for trial in trials)
    split = "test" if measured else "val"
    views = confusions(folder, networks, split)
    return {"confusion": confusion(views, record.data.classes, record.data.list_name(split))}
