"""The section that says what makes the differences uncertain, and what would narrow them."""

from typing import NamedTuple

from study.analysis import influence
from study.analysis.answer import signed
from study.analysis.image_counts import counts_by_cell
from study.analysis.results import AblationResults
from study.analysis.statistics import ALPHA
from study.analysis.tables import Row, Table
from study.analysis.units import difference_unit
from study.analysis.variance import Components, components, two_way_interval
from study.ledger.study_folder import StudyFolder
from study.reporting.document import Points, Prose, Section, Sheet
from trainables.config.words import counted
from trainables.metrics.catalog import METRICS

_ALIKE = 0.05
"""Two widths that differ by a smaller share are called equal."""
_TITLE = "More seeds or more images?"
_OVER_FOLDS = (
    "Left out over folds: every fold has test images of its own, so that images cannot be "
    "resampled, and their share in the variance not be split off, as on one test list. The "
    "interval of the verdict is about new images, new training images and new seeds."
)
_HEADS = (
    "cell",
    "delta",
    "over seeds",
    "over images",
    "over both",
    "seeds",
    "images",
    "interaction",
    "width",
    "twice the seeds",
    "twice the images",
)


class _Split(NamedTuple):
    """A cell's difference, and what makes it uncertain."""

    row: Row
    both: tuple[float, float]
    """The two-way bootstrap's interval."""
    parts: Components


def section(results: AblationResults, folder: StudyFolder) -> list[Section]:
    """Of the objective's table; none without the counts per image of two seeds and two images."""
    if results.record.plan.design.folds:
        return [Section(_TITLE, [Prose(_OVER_FOLDS)])]
    table = results.tables[0]
    found = _splits(results, folder, table) if results.split == "test" else []
    if not found:
        return []
    sheet = Sheet(list(_HEADS), [_line(results, table, split) for split in found])
    said = Points([_advice(table, split) for split in found])
    note = Prose(
        f"`{table.metric}` on the {results.record.data.list_name('test')}, in "
        f"{difference_unit(table.unit)}. The verdict is about new seeds on these images (over "
        f"seeds: BCa; over images: {1 - ALPHA:.0%} of resampled test lists). Over both: "
        "seeds and images are resampled together (pigeonhole bootstrap, Owen 2007), for new seeds "
        "on new images; with few seeds rather too narrow. Seeds, images, interaction: their "
        "shares in the variance of the difference (crossed random effects by the method of "
        f"moments, of each image's influence on the metric). Width: of the {1 - ALPHA:.0%} "
        "interval for new seeds and new images (Student's t, Satterthwaite), now and as "
        "expected for twice as many."
    )
    return [Section(_TITLE, [said, sheet, note])]


def _splits(results: AblationResults, folder: StudyFolder, table: Table) -> list[_Split]:
    cells = {
        cell: influence.by_seed(counts, table.metric)
        for cell, counts in counts_by_cell(folder, results.record).items()
    }
    found = list[_Split]()
    for row in table.rows:
        baseline = cells.get(row.baseline, {})
        values_SN = influence.differences(cells.get(row.cell.name, {}), baseline)
        if row.comparison is None or values_SN is None or not values_SN.any():
            continue
        # A seed whose counts are missing would make another difference of it.
        if len(values_SN) == row.comparison.n:
            found.append(_Split(row, two_way_interval(values_SN), components(values_SN)))
    return found


def _line(results: AblationResults, table: Table, split: _Split) -> list[str]:
    row, parts, compared = split.row, split.parts, split.row.comparison
    assert compared is not None
    low, high = results.record.images.get(table.metric, {}).get(row.cell.name, (None, None))
    return [
        row.cell.name,
        "-" if compared.mean is None else signed(compared.mean, table.metric),
        _interval(compared.low, compared.high, table),
        _interval(low, high, table),
        _interval(*split.both, table),
        *(f"{share:.0%}" for share in parts.shares()),
        *(_number(width, table) for width in _widths(parts)),
    ]


def _widths(parts: Components) -> tuple[float, float, float]:
    """Now, with twice the seeds, with twice the images."""
    return (
        parts.width(parts.seeds, parts.images),
        parts.width(2 * parts.seeds, parts.images),
        parts.width(parts.seeds, 2 * parts.images),
    )


def _advice(table: Table, split: _Split) -> str:
    """``lovasz: more seeds would narrow this interval most: ...``."""
    parts = split.parts
    now, seeds, images = _widths(parts)
    by_seeds = f"{_number(seeds, table)} with {counted(2 * parts.seeds, 'seed')}"
    by_images = f"{_number(images, table)} with {counted(2 * parts.images, 'test image')}"
    width = f"{_number(now, table)} {difference_unit(table.unit)} wide"
    if abs(seeds - images) <= _ALIKE * now:
        best, figures = "seeds or more test images would narrow it alike", (by_seeds, by_images)
    elif seeds < images:
        best, figures = "seeds would narrow this interval most", (by_seeds, by_images)
    else:
        best, figures = "test images would narrow this interval most", (by_images, by_seeds)
    return f"{split.row.cell.name}: {width}; more {best}: {figures[0]}, {figures[1]}."


def _interval(low: float | None, high: float | None, table: Table) -> str:
    if low is None or high is None:
        return "-"
    return f"{signed(low, table.metric)} .. {signed(high, table.metric)}"


def _number(width: float, table: Table) -> str:
    return f"{100 * width:.2f}" if METRICS[table.metric].unit == "fraction" else f"{width:.3f}"
