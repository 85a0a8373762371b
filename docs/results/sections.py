"""The sections of docs/results.md: every figure comes from the archived tables and ledgers."""

from collections.abc import Sequence

from docs.results.archive import GRID, Archived, Result
from docs.results.claims import BY_CELL, TERMS
from study.analysis import horizon
from study.analysis.answer import signed
from study.analysis.max_t import max_t
from study.analysis.outliers import outliers
from study.analysis.statistics import ALPHA
from study.analysis.together import Together
from study.reporting.document import Points, Prose, Section, Sheet
from study.reporting.sections.together import of_outliers, probability
from study.reporting.values import with_unit

VERDICTS = ("better", "same", "worse", "undecided")
BESIDE, IN_DETAIL = "boundary_f_1px", "boundary_iou"
"""Metrics whose verdicts have a table of their own, on the page and on that behind it."""


def atlas(found: Sequence[Archived], metric: str, pooled: Together | None = None) -> Sheet:
    """Cells by datasets: verdict and difference from the baseline, in percentage points.

    Args:
        pooled: of the objective; adds the probability of a gain on a new dataset, and the claims.
    """
    chances = {arm.cell: arm.pooled.p_better for arm in pooled.arms} if pooled else {}
    head = ["loss", *(study.dataset for study in found)]
    more = ["P(better on a new dataset)", "the paper's gain"] if pooled else []
    rows = [
        [
            f"`{cell}`",
            *(_verdict(study, cell, metric) for study in found),
            *([_chance(chances.get(cell)), _claim(cell)] if pooled else []),
        ]
        for cell in _ordered(found, metric, chances)
    ]
    means = [_mean_of_baseline(study, metric) for study in found]
    first = [f"`{name_of_baseline(found[0])}`", *means, *["" for _ in more]]
    return Sheet([*head, *more], [first, *rows])


def verdicts_on(found: Sequence[Archived], metric: str) -> list[Section]:
    """Nothing where a study has not measured the metric."""
    measured = all(metric in study.tables for study in found)
    return [Section(f"Verdicts on {metric}", [atlas(found, metric)])] if measured else []


def brief(found: Sequence[Archived], metric: str) -> Sheet:
    """The atlas for the README: losses that ran on all datasets, those without a verdict on any in
    one row."""
    whole = atlas(found, metric)
    rows = [row for row in whole.rows[1:] if "not run" not in row]
    said = [row for row in rows if any("**" in text for text in row)]
    rest = [row for row in rows if row not in said]
    words = [
        " or ".join(dict.fromkeys(text.partition(" +")[0].partition(" -")[0] for text in column))
        for column in list(zip(*rest, strict=True))[1:]
    ]
    others = [[", ".join(row[0] for row in rest), *words]] if rest else []
    return Sheet(whole.head, [whole.rows[0], *said, *others])


def _ordered(found: Sequence[Archived], metric: str, chances: dict[str, float]) -> list[str]:
    """Those with the highest probability first; then by the mean difference."""
    cells = list(dict.fromkeys(cell for study in found for cell in study.tables[metric]))
    cells.remove(name_of_baseline(found[0]))

    def rank(cell: str) -> tuple[float, float]:
        known = [
            study.tables[metric][cell].delta for study in found if cell in study.tables[metric]
        ]
        deltas = [delta for delta in known if delta is not None]
        return chances.get(cell, -1.0), sum(deltas) / len(deltas) if deltas else 0.0

    return sorted(cells, key=rank, reverse=True)


def name_of_baseline(study: Archived) -> str:
    return study.record.plan.grid.baseline


def _mean_of_baseline(study: Archived, metric: str) -> str:
    baseline = name_of_baseline(study)
    mean = with_unit(metric, study.tables[metric][baseline].mean, "")
    return f"{mean}{_outliers(study, baseline, metric)}"


def _verdict(study: Archived, cell: str, metric: str) -> str:
    result = study.tables[metric].get(cell)
    if result is None:
        return "not run"
    if result.delta is None:
        return result.verdict
    text = decided(result.verdict, result.delta, metric)
    return f"{text}{_outliers(study, cell, metric)}"


def _outliers(study: Archived, cell: str, metric: str) -> str:
    far = outliers(study.record, metric).get(cell, ())
    seeds = study.tables[metric][cell].seeds
    return f" ({of_outliers(len(far), len(seeds))})" if far else ""


def decided(verdict: str, delta: float, metric: str) -> str:
    word = f"**{verdict}**" if verdict in ("better", "worse") else verdict
    return f"{word} {signed(delta, metric)}"


def _chance(chance: float | None) -> str:
    return "not on all datasets" if chance is None else probability(chance)


def _claim(cell: str) -> str:
    return BY_CELL[cell].words() if cell in BY_CELL else ""


def in_short(found: Sequence[Archived], metric: str) -> Points:
    """Which losses have which verdicts, over all datasets that ran them."""
    verdicts: dict[str, list[str]] = {}
    far: dict[str, str] = {}
    for study in found:
        for cell, result in study.tables[metric].items():
            if result.delta is not None:
                verdicts.setdefault(cell, []).append(result.verdict)
            if _outliers(study, cell, metric):
                far[cell] = f"{far.get(cell, ', with an outlier on')} {study.dataset}"
    kinds = {
        "better wherever it ran": lambda said: set(said) == {"better"},
        "better somewhere, worse nowhere": lambda said: (
            "better" in said and "worse" not in said and set(said) != {"better"}
        ),
        "better here, worse there": lambda said: {"better", "worse"} <= set(said),
        "worse somewhere, better nowhere": lambda said: "worse" in said and "better" not in said,
        "neither better nor worse anywhere": lambda said: not {"better", "worse"} & set(said),
    }
    lines = []
    for words, holds in kinds.items():
        cells = [
            f"`{cell}` ({_counts(said)}{far.get(cell, '')})"
            for cell, said in verdicts.items()
            if holds(said)
        ]
        lines.append(f"{words}: {', '.join(cells) or 'none'}")
    return Points(lines)


def _counts(said: Sequence[str]) -> str:
    return ", ".join(f"{said.count(word)} {word}" for word in VERDICTS if word in said)


def terms(found: Sequence[Archived], metric: str) -> Sheet:
    """What each paper's own term adds to the cell beside it, tested over the same seeds."""
    by_study = [_of_terms(study, metric) for study in found]
    rows = [
        [
            f"{term.words} (`{term.cell}` less `{term.beside}`)",
            *(of.get(term.cell, "not run") for of in by_study),
            term.claim.words() if term.claim else "",
        ]
        for term in TERMS
    ]
    return Sheet(["term", *(study.dataset for study in found), "the paper's gain"], rows)


def _of_terms(study: Archived, metric: str) -> dict[str, str]:
    cells = study.tables[metric]
    differences = {
        term.cell: _paired(cells[term.cell], cells[term.beside])
        for term in TERMS
        if term.cell in cells and term.beside in cells
    }
    corrected = max_t(differences, ALPHA)
    return {
        cell: _added(list(by_seed.values()), corrected[cell], metric)
        for cell, by_seed in differences.items()
    }


def _paired(cell: Result, beside: Result) -> dict[int, float]:
    shared = cell.seeds.keys() & beside.seeds.keys()
    return {int(name.split("_")[1]): cell.seeds[name] - beside.seeds[name] for name in shared}


def _added(differences: Sequence[float], p: float, metric: str) -> str:
    mean = sum(differences) / len(differences)
    verdict = "undecided" if p > ALPHA else "better" if mean > 0 else "worse"
    return decided(verdict, mean, metric)


def of_papers(found: Sequence[Archived], metric: str) -> list[Section]:
    """A section for each of a paper's own grids: its cells against its baseline, by dataset."""
    by_question: dict[str, list[Archived]] = {}
    for study in found:
        grid = study.record.plan.grid
        of_ours = grid.name in (GRID, horizon.GRID)
        if not of_ours and any(cell.published for cell in grid.cells):
            by_question.setdefault(study.record.plan.question, []).append(study)
    return [
        Section(
            question,
            [Prose(f"{studies[0].record.plan.grid.source}."), _of_paper(studies, metric)],
        )
        for question, studies in by_question.items()
    ]


def _of_paper(studies: Sequence[Archived], metric: str) -> Sheet:
    less = f"less `{name_of_baseline(studies[0])}`"
    cells = dict.fromkeys(cell for study in studies for cell in study.tables[metric])
    rows = [
        [f"`{cell}`", *(text for study in studies for text in _both(study, cell, metric))]
        for cell in cells
    ]
    return Sheet(["cell", *(text for study in studies for text in (study.dataset, less))], rows)


def _both(study: Archived, cell: str, metric: str) -> tuple[str, str]:
    """The mean, and the verdict."""
    result = study.tables[metric].get(cell)
    mean = "" if result is None else with_unit(metric, result.mean, "")
    return mean, _verdict(study, cell, metric)
