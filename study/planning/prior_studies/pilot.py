"""What a plan's seeds can find, from the spread that an earlier study of the storage measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from study.analysis import pilot
from study.analysis.confirmation import OF_LOSSES
from study.analysis.pilot import Spread
from study.analysis.power import MOST_SEEDS, POWER, SMALLEST, Comparisons, detectable, seeds_for
from study.analysis.protocol import comparisons
from study.ledger.design import Ablation
from study.ledger.other_studies import other_records
from study.ledger.plan import Plan
from study.ledger.provenance import DataFacts
from study.ledger.record import StudyRecord
from trainables.config import TrialConfig, Value, flatten
from trainables.config.earlier import translated
from trainables.config.words import counted
from trainables.data import Dataset
from trainables.metrics.catalog import METRICS

_FRACTION = "fraction"
_LISTED = 3
"""How many differing fields of a study are listed."""
_NO_DIFFERENCE = {"seed", "data/root", "data/cache", "data/links", "data/loader"}
"""Fields that differ without effect on the spread."""


@dataclass(frozen=True, kw_only=True)
class _Pilot:
    study: str
    spread: Spread
    differs: tuple[str, ...]
    """What is otherwise there: fields of the base config, the data."""

    @property
    def rank(self) -> tuple[bool, int, float]:
        """The best pilot has the lowest."""
        return self.spread.upper_bound, len(self.differs), -self.spread.freedom


def power_line(plan: Plan, record: StudyRecord, dataset: Dataset) -> str:
    """The plan's line; "" where it compares nothing.

    Args:
        record: of earlier attempts, whose own searches are a pilot; empty for a new study.
    """
    compared, seeds = _compared(plan)
    if compared < 1 or plan.design.folds:  # the spread over seeds says nothing of that over folds
        return ""
    records = [*([record] if record.planned else []), *other_records(plan.storage, plan.study)]
    found = min(_pilots(plan, records, dataset), key=lambda one: one.rank, default=None)
    if found is None:
        return (
            f"unknown: no study in {plan.storage} has measured how much {plan.objective} varies "
            f"here; a comparison of two cells on {pilot.FEWEST} seeds of this data does"
        )
    return f"{_said(plan, found.spread, compared, seeds)}; spread from {_source(found)}"


def _compared(plan: Plan) -> tuple[int, int]:
    """The number of comparisons, and of seeds."""
    if isinstance(plan.design, Ablation):
        return (0 if plan.design.replayed else comparisons(plan.grid)), len(plan.design.seeds)
    return (1 if plan.design.confirm else 0), len(plan.design.confirm)


def _pilots(plan: Plan, records: Iterable[StudyRecord], dataset: Dataset) -> Iterable[_Pilot]:
    for record in records:
        if record.plan.design.folds:
            continue
        if record.plan.objective != plan.objective or not _same_data(plan, record, dataset):
            continue
        if (spread := pilot.spread_of(record)) is not None:
            data = ("the data",) if record.data.digest != dataset.digest else ()
            differs = (*_differing(plan.base, record.plan.base), *data)
            yield _Pilot(study=record.plan.study, spread=spread, differs=differs)


def _same_data(plan: Plan, record: StudyRecord, dataset: Dataset) -> bool:
    """Whether a study measures on the same test list; its training list may differ."""
    data: DataFacts = record.data
    if data.digest == dataset.digest:
        return True
    return (
        data.dataset == dataset.name
        and data.images.get("test") == len(dataset.splits["test"])
        and data.classes == list(dataset.classes)
        and data.size == list(dataset.size or ())
        and record.plan.base.get("data/root") == plan.base["data/root"]
    )


def _differing(ours: Mapping[str, Value], theirs: Mapping[str, Value]) -> list[str]:
    known = {**flatten(TrialConfig()), **translated(theirs)}
    return [
        path
        for path, value in ours.items()
        if path not in _NO_DIFFERENCE
        and not path.startswith(OF_LOSSES)
        and known.get(path) != value
    ]


def _said(plan: Plan, spread: Spread, compared: int, seeds: int) -> str:
    """The difference that the seeds find, and the seeds that a small one needs."""
    table = Comparisons(count=compared, correction=plan.correction, correlation=spread.correlation)
    factor = detectable(seeds, table)
    if factor is None:
        return f"{counted(seeds, 'seed')} find no difference, however large"
    unit = METRICS[plan.objective].unit
    found, low, high = (
        _number(factor * deviation, unit) for deviation in (spread.deviation, *spread.interval())
    )
    most = "at most " if spread.upper_bound else ""
    words = "points" if unit == _FRACTION else unit
    text = (
        f"{seeds} seeds find a true difference of {most}{found} {words} (between {low} and {high}, "
        f"since the spread is an estimate) in {POWER:.0%} of studies"
    )
    if unit != _FRACTION:
        return text
    needed = seeds_for(SMALLEST / spread.deviation, table)
    many = f"more than {MOST_SEEDS}" if needed is None else str(needed)
    verb = "may need" if spread.upper_bound else "need"
    return f"{text}; {100 * SMALLEST:g} points {verb} {many} seeds"


def _number(value: float, unit: str) -> str:
    """Two significant digits, in points where the metric is a fraction: no gain exceeds 100."""
    if unit == _FRACTION and value >= 1:
        return "over 100"
    shown = 100 * value if unit == _FRACTION else value
    return f"{shown:.0f}" if shown >= 10 else f"{shown:.2g}"


def _source(found: _Pilot) -> str:
    more = len(found.differs) - _LISTED
    beyond = f" and {more} more" if more > 0 else ""
    other = f" (other: {', '.join(found.differs[:_LISTED])}{beyond})" if found.differs else ""
    spread = found.spread
    limit = ", whose parameters also differ" if spread.upper_bound else ""
    return f"{found.study}{other}: {spread.source}{limit}"
