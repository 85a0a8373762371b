"""Writing the report of several datasets together."""

from pathlib import Path

import matplotlib
import pandas

from study.analysis.together import Together
from study.ledger.storage import storage_errors
from study.reporting import document, html
from study.reporting.document import Parts, Picture, Prose, Section
from study.reporting.figures import draw
from study.reporting.figures.forest import forest
from study.reporting.sections import together as sections
from study.reporting.table_files import guarded_csv

TITLE = "Several datasets together"


def write(found: Together, folder: Path) -> list[Path]:
    """Write ``together.html``, which needs no other file, ``.md``, ``.csv`` and ``forest.png``.

    Raises:
        StorageError: the folder cannot be written.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(draw.STYLE):
            figures = {"forest": forest(found, sections.axis(found))}
            plots = draw.save(figures, folder)
        picture = Picture(plots["forest"], "Square: a dataset; diamond: over all; grey: a new one.")
        parts: Parts = [picture, *sections.parts(found)]
        said, question = sections.answer(found), sections.question(found)
        title = Section(TITLE, [Prose(f"**{said}**"), Prose(question)], 1)
        texts = {
            "together.html": html.page(TITLE, question, said, parts),
            "together.md": document.markdown([title, *parts], folder),
            "together.csv": guarded_csv(frame(found)),
        }
        for name, text in texts.items():
            (folder / name).write_text(text)
    return [*(folder / name for name in texts), *plots.values()]


def frame(found: Together) -> pandas.DataFrame:
    """One row per cell and study, and one per cell with ``study`` empty: over all datasets.

    Gains are positive where the cell is better, in the metric's unit: fractions, no percent.
    """
    rows = []
    for arm in found.arms:
        for effect in arm.effects:
            low, high = effect.interval()
            rows.append(
                {
                    "cell": arm.cell,
                    "metric": found.metric,
                    "study": effect.study,
                    "dataset": effect.dataset,
                    "n": effect.seeds,
                    "gain": effect.gain,
                    "error": effect.error,
                    "outliers": effect.outliers,
                    "verdict": effect.verdict,
                    "low": low,
                    "high": high,
                }
            )
        pooled = arm.pooled
        rows.append(
            {
                "cell": arm.cell,
                "metric": found.metric,
                "study": "",
                "dataset": "all",
                "n": len(arm.effects),
                "gain": pooled.mean,
                "error": pooled.error,
                "low": pooled.low,
                "high": pooled.high,
                "tau": pooled.tau,
                "new_low": pooled.new_low,
                "new_high": pooled.new_high,
                "p_better": pooled.p_better,
                **{f"practically_{name}": p for name, p in arm.practical._asdict().items()},
            }
        )
    return pandas.DataFrame(rows, dtype=object)
