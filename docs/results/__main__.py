"""Write docs/results.md, and the pages behind it, from the studies archived here.

python -m docs.results

An archived study is a folder with ``ledger.jsonl.gz``, ``ledger.end`` and its report's
``classes.csv``. Its report and its table come from ``study/report.py``, the page from these tables.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from docs.results import longer, measured, rates, sections
from docs.results.archive import HERE, Archived, archived, compared
from study.analysis.together import Together, together
from study.commands import report
from study.ledger.study_folder import studies
from study.reporting import document
from study.reporting.document import Parts, Prose, Section
from study.reporting.sections.together import answer
from study.reporting.write_together import write

README = HERE.parents[1] / "README.md"
OBJECTIVE = "miou"
_BEGIN, _END = "<!-- python -m docs.results writes this -->\n", "<!-- until here -->"
_REPORT_FILES = (".md", ".csv", ".png")
"""Of a report's files; the others repeat these."""

_QUESTION = """Which boundary loss helps, on which data, and is it real? Every cell of a dataset is
trained at one learning rate, chosen for plain cross-entropy on the validation list; its own weights
are searched first, with the same number of trials for each, on the validation list. The best
weights then run on seeds that played no part in the choice, and are compared with cross-entropy on
the test list. Better, worse, same: sign-flip tests paired by seed, corrected by max-T over all
losses of the dataset; same is within {smallest:g} points. Undecided: the seeds show none of these.
The number is the mean difference in percentage points; one that was decided before the last seed
tends to be too large. An outlier is a run far worse than the others of its loss."""
_TERMS = """Several losses contain a simpler one. Sign-flip tests of one cell less the other, paired
by seed and corrected by max-T over the rows of a dataset; both at their own searched weights."""
_LIMITS = (
    "One small network (`fpn_small` on EfficientNet-Lite0, ImageNet weights), small images, short "
    "trainings: a loss that pays off late, or at boundaries finer than a pixel here, is not seen.",
    "The search of each loss is short: its paper's weights, and one other draw.",
    "A rate that suits cross-entropy is a handicap to a loss that would like another.",
    "A difference in mIoU may lie in classes that a network loses: the page on how it was measured "
    "has what is left without these.",
    "RMI, Jaccard and unified focal ran on the other datasets because they led on horses or on "
    "CamVid: their gains on these two, and so over all, tend to be too large.",
    "The papers' gains are of large networks on Cityscapes, ADE20K, NYUv2 and VOC 2012: they stand "
    "beside ours for orientation, not for comparison.",
)


def main(home: Path = HERE, readme: Path = README) -> int:
    """Write everything; the files of the reports that repeat others are removed.

    Args:
        home: the folder of the archived studies; the page lies beside it, with its name.
        readme: has the table between two marks.
    """
    for folder in studies(home):
        if code := report.main([folder.name, "--storage", str(home)]):
            return code
        for path in folder.report.iterdir():
            if path.suffix not in _REPORT_FILES or path.name == "table.md":
                path.unlink()
    found = archived(home)
    pooled = pooled_of(found)
    if pooled is not None:
        write(pooled, home / "together")
        (home / "together" / "together.html").unlink()
    file = home.with_suffix(".md")
    file.write_text(page(found, pooled, file.parent))
    (home / measured.NAME).write_text(measured.page(found, OBJECTIVE, home))
    readme.write_text(with_table(readme.read_text(), found, pooled))
    print(file)
    return 0


def pooled_of(found: Sequence[Archived]) -> Together | None:
    """The studies of all datasets together, by the cells that each of them compares; None with
    fewer than two."""
    records = [study.record for study in compared(found)]
    if len(records) < 2:
        return None
    cells = [[cell.name for cell in record.plan.ablation.cells] for record in records]
    baseline = records[0].plan.grid.baseline
    shared = [name for name in cells[0] if name != baseline and all(name in of for of in cells)]
    return together(records, shared)


def page(found: Sequence[Archived], pooled: Together | None, home: Path) -> str:
    """docs/results.md, which lies in ``home``."""
    main_ones = compared(found)
    smallest = main_ones[0].record.plan.smallest or 0.0
    question = Prose(_one_line(_QUESTION).format(smallest=100 * smallest))
    parts: Parts = [
        Section("Results", [question, *_answer(found, pooled)], 1),
        sections.in_short(main_ones, OBJECTIVE),
        Section("Verdicts on mIoU", [sections.atlas(main_ones, OBJECTIVE, pooled)]),
        *sections.verdicts_on(main_ones, sections.BESIDE),
        Section(
            "What a paper's own term adds (mIoU)",
            [Prose(_one_line(_TERMS)), sections.terms(main_ones, OBJECTIVE)],
        ),
        *longer.section(found, OBJECTIVE),
        *sections.of_papers(found, OBJECTIVE),
        Section("What it cannot say", [document.Points([*_LIMITS, rates.limit(found, OBJECTIVE)])]),
    ]
    return document.markdown(parts, home) + _links(main_ones)


def with_table(text: str, found: Sequence[Archived], pooled: Together | None) -> str:
    """The README with today's table between its marks."""
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    parts: Parts = [*_answer(found, pooled), sections.brief(compared(found), OBJECTIVE)]
    return f"{before}{_BEGIN}{document.markdown(parts, README.parent)}{_END}{after}"


def _answer(found: Sequence[Archived], pooled: Together | None) -> list[Prose]:
    """Which loss to try first, and what longer trainings leave of it."""
    said = [] if pooled is None else [f"**{answer(pooled)}**"]
    said += [ran.words for ran in longer.last(found, OBJECTIVE)]
    return [Prose(" ".join(said))] if said else []


def _links(main_ones: Sequence[Archived]) -> str:
    """Markdown, since a report's texts have no links."""
    reports = [f"[{study.dataset}](results/{study.name}/report/report.md)" for study in main_ones]
    lines = [
        f"- the report of each dataset: {', '.join(reports)}",
        f"- [how it was measured](results/{measured.NAME}): data, studies, learning rates, "
        "boundary IoU, lost classes, commands, all reports",
    ]
    if len(main_ones) > 1:
        lines += [
            "- [all datasets together](results/together/together.md), and "
            "[what that means](together.md)"
        ]
    lines += [
        "- [earlier results](results/earlier.md), of other networks, losses and tests",
        "- the grid: [one_rate.py](results/one_rate.py), of which every table here is a study",
        "- [merge_classes.py](results/merge_classes.py), which prepares animals and clothing",
    ]
    return "\n## Behind this page\n\n" + "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
