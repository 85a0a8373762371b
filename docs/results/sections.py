"""The sections of docs/results.md: every figure comes from the kept tables and ledgers."""

from collections.abc import Sequence

from docs.results.claims import BY_CELL, TERMS
from docs.results.kept import Kept, Result, compared
from study.analysis.horizon import GRID as HORIZON
from study.analysis.max_t import max_t
from study.analysis.statistics import ALPHA
from study.analysis.together import Together
from study.ledger.provenance import Provenance
from study.ledger.record import StudyRecord
from study.reporting.document import Points, Prose, Section, Sheet
from trainables.config.words import counted
from trainables.data.batches import num_batches

VERDICTS = ("better", "same", "worse", "undecided")
BESIDE = ("boundary_f_1px", "boundary_iou")
"""Metrics whose verdicts have a table of their own."""


def atlas(found: Sequence[Kept], metric: str, pooled: Together | None = None) -> Sheet:
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
            *(_verdict(study.tables[metric].get(cell)) for study in found),
            *([_chance(chances.get(cell)), _claim(cell)] if pooled else []),
        ]
        for cell in _ordered(found, metric, chances)
    ]
    means = [f"{100 * _baseline(study, metric).mean:.2f} %" for study in found]
    first = [f"`{_name_of_baseline(found[0])}`", *means, *["" for _ in more]]
    return Sheet([*head, *more], [first, *rows])


def brief(found: Sequence[Kept], metric: str) -> Sheet:
    """The atlas for the README: losses with a verdict on any dataset; the others in one row."""
    whole = atlas(found, metric)
    said = [row for row in whole.rows[1:] if any("**" in text for text in row)]
    rest = [row for row in whole.rows[1:] if row not in said]
    words = [
        " or ".join(dict.fromkeys(text.rstrip("+-.0123456789 ") for text in column))
        for column in list(zip(*rest, strict=True))[1:]
    ]
    others = [[", ".join(row[0] for row in rest), *words]] if rest else []
    return Sheet(whole.head, [whole.rows[0], *said, *others])


def _ordered(found: Sequence[Kept], metric: str, chances: dict[str, float]) -> list[str]:
    """Those with the highest probability first; then by the mean difference."""
    cells = list(dict.fromkeys(cell for study in found for cell in study.tables[metric]))
    cells.remove(_name_of_baseline(found[0]))

    def rank(cell: str) -> tuple[float, float]:
        known = [
            study.tables[metric][cell].delta for study in found if cell in study.tables[metric]
        ]
        deltas = [delta for delta in known if delta is not None]
        return chances.get(cell, -1.0), sum(deltas) / len(deltas) if deltas else 0.0

    return sorted(cells, key=rank, reverse=True)


def _name_of_baseline(study: Kept) -> str:
    return study.record.plan.grid.baseline


def _baseline(study: Kept, metric: str) -> Result:
    return study.tables[metric][_name_of_baseline(study)]


def _verdict(result: Result | None) -> str:
    if result is None:
        return "not run"
    bold = f"**{result.verdict}**" if result.verdict in ("better", "worse") else result.verdict
    return bold if result.delta is None else f"{bold} {100 * result.delta:+.2f}"


def _chance(chance: float | None) -> str:
    return "" if chance is None else f"{min(max(chance, 0.01), 0.99):.2f}"


def _claim(cell: str) -> str:
    return BY_CELL[cell].words() if cell in BY_CELL else ""


def in_short(found: Sequence[Kept], metric: str) -> Points:
    """Which losses have which verdicts, over all datasets that ran them."""
    verdicts: dict[str, list[str]] = {}
    for study in found:
        for cell, result in study.tables[metric].items():
            if result.delta is not None:
                verdicts.setdefault(cell, []).append(result.verdict)
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
        cells = [f"`{cell}` ({_counts(said)})" for cell, said in verdicts.items() if holds(said)]
        lines.append(f"{words}: {', '.join(cells) or 'none'}")
    return Points(lines)


def _counts(said: Sequence[str]) -> str:
    return ", ".join(f"{said.count(word)} {word}" for word in VERDICTS if word in said)


def terms(found: Sequence[Kept], metric: str) -> Sheet:
    """What each paper's own term adds to the cell beside it, tested over the same seeds."""
    by_study = [_added(study, metric) for study in found]
    rows = [
        [
            f"{term.words} (`{term.cell}` less `{term.beside}`)",
            *(of.get(term.cell, "not run") for of in by_study),
            term.claim.words() if term.claim else "",
        ]
        for term in TERMS
    ]
    return Sheet(["term", *(study.dataset for study in found), "the paper's gain"], rows)


def _added(study: Kept, metric: str) -> dict[str, str]:
    cells = study.tables[metric]
    differences = {
        term.cell: _paired(cells[term.cell], cells[term.beside])
        for term in TERMS
        if term.cell in cells and term.beside in cells
    }
    corrected = max_t(differences, ALPHA)
    return {
        cell: _decided(list(by_seed.values()), corrected.get(cell, 1.0))
        for cell, by_seed in differences.items()
    }


def _paired(cell: Result, beside: Result) -> dict[int, float]:
    shared = cell.seeds.keys() & beside.seeds.keys()
    return {int(name.split("_")[1]): cell.seeds[name] - beside.seeds[name] for name in shared}


def _decided(differences: Sequence[float], p: float) -> str:
    mean = sum(differences) / len(differences)
    if p > ALPHA:
        return f"undecided {100 * mean:+.2f}"
    return f"**{'better' if mean > 0 else 'worse'}** {100 * mean:+.2f}"


def studies(found: Sequence[Kept]) -> Sheet:
    """What each study saw, and what it took."""
    head = ["study", "classes", "train, val, test", "size", "training", "rate", "runs", "took"]
    return Sheet(head, [_study(study) for study in found])


def _study(study: Kept) -> list[str]:
    record = study.record
    base, images = record.plan.base, record.data.images
    rows, columns = record.data.size
    steps = num_batches(images["train"], int(str(base["batch"])))
    return [
        study.name,
        str(len(record.data.classes)),
        ", ".join(str(images[split]) for split in ("train", "val", "test")),
        f"{columns}x{rows}",
        f"{base['epochs']} epochs of {steps} steps",
        _rates(record),
        _runs(study),
        f"{record.usage.seconds / 60:.0f} min",
    ]


def _rates(record: StudyRecord) -> str:
    rates = sorted({float(str(trial.config["optim/lr"])) for trial in record.trials.values()})
    return " .. ".join(f"{rate:g}" for rate in dict.fromkeys((rates[0], rates[-1])))


def _runs(study: Kept) -> str:
    trials, design = list(study.record.trials.values()), study.record.plan.ablation
    states = {
        "did not complete": sum(trial.state != "complete" for trial in trials),
        "reused": sum(trial.reused is not None for trial in trials),
    }
    cells, seeds = counted(len(design.cells), "loss", "losses"), counted(len(design.seeds), "seed")
    stopped = len(trials) < design.total and study.record.ended
    decided = " (what is decided stops)" if stopped else ""
    planned = (
        f"{len(trials)} of {design.total}{decided}: {cells}, {design.search_trials} trials, {seeds}"
    )
    return "; ".join([planned, *(f"{count} {words}" for words, count in states.items() if count)])


def longer(found: Sequence[Kept], metric: str) -> list[Section]:
    """For each horizon that was kept: differences at its epochs, beside the first study's."""
    by_dataset = {study.dataset: study for study in compared(found)}
    sections = []
    for study in found:
        source = by_dataset.get(study.dataset)
        if study.record.plan.grid.name != HORIZON or source is None:
            continue
        after, before = study.record.plan.epochs, source.record.plan.epochs
        rows = [
            [f"`{cell}`", _points(source.tables[metric].get(cell)), _points(result)]
            for cell, result in study.tables[metric].items()
        ]
        head = ["loss", f"{before} epochs", f"{after} epochs"]
        words = f"{source.name}: {counted(len(study.record.plan.ablation.seeds), 'seed')} at three "
        words += "times the epochs, in percentage points from the baseline; no verdict."
        sections.append(Section("Does the order hold?", [Prose(words), Sheet(head, rows)]))
    return sections


def _points(result: Result | None) -> str:
    if result is None:
        return "not run"
    if result.delta is None:
        return f"{100 * result.mean:.2f} %"
    return f"{100 * result.delta:+.2f}"


def commands(found: Sequence[Kept]) -> Section:
    """Commits, commands and digests."""
    lines = [
        f"{study.name}: commit {study.record.provenance.state}, ledger sha256 {study.digest[:16]}"
        for study in found
    ]
    typed = [f"`{study.record.provenance.command}`" for study in found]
    machines = list(dict.fromkeys(_machine(study.record.provenance) for study in found))
    return Section("Commands", [Points(machines), Points(typed), Points(lines)])


def _machine(ran: Provenance) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in ran.packages.items())
    where = f"{ran.machine.get('system')}, {ran.machine.get('cpus')} cores"
    return f"machine: {where}; Python {ran.python}, {packages}"
