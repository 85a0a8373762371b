"""At which learning rate each dataset was compared, and whether a better one was tried."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from docs.results.archive import Archived, compared
from study.analysis.answer import signed
from study.ledger.record import StudyRecord
from study.reporting.document import Sheet
from study.reporting.values import with_unit

RATE = "optim/lr"


def of_record(record: StudyRecord) -> list[float]:
    """The learning rates of a study's trials, ascending."""
    return sorted({_rate(trial.config) for trial in record.trials.values()})


def sheet(found: Sequence[Archived], metric: str) -> Sheet:
    """Datasets by rates: the metric of plain cross-entropy on the validation list, in bold at the
    rate of the comparison."""
    tried = {study.dataset: _means(found, study.dataset, metric) for study in compared(found)}
    used = _used(found)
    rates = sorted({rate for means in tried.values() for rate in means})
    rows = [
        [name, *(_cell(means, rate, used[name], metric) for rate in rates)]
        for name, means in tried.items()
    ]
    return Sheet(["dataset", *(f"{rate:g}" for rate in rates)], rows)


def limit(found: Sequence[Archived], metric: str) -> str:
    """Where the rate of the comparison is not known to be the best: it is the largest or smallest
    that was tried, another one did better, or none was tried."""
    ends, others = [], []
    for name, used in _used(found).items():
        means = _means(found, name, metric)
        if used not in means:
            others.append(f"none was tried on {name}")
            continue
        best = max(means, key=means.__getitem__)
        if best != used:
            gain = signed(means[best] - means[used], metric)
            others.append(f"on {name} {best:g} was better than {used:g} by {gain}")
        elif best in (min(means), max(means)):
            ends.append(name)
    at_end = [f"on {' and '.join(ends)} the best lay at an end"] if ends else []
    where = "; ".join(at_end + others) or "none of the best at an end"
    return f"Few rates were tried, on one seed or two: {where}."


def _used(found: Sequence[Archived]) -> dict[str, float]:
    """By dataset, the rate of the comparison."""
    rates = {study.dataset: of_record(study.record) for study in compared(found)}
    assert all(len(of) == 1 for of in rates.values()), "the grid is compared at one rate"
    return {dataset: rate for dataset, (rate,) in rates.items()}


def _means(found: Sequence[Archived], dataset: str, metric: str) -> dict[float, float]:
    """By rate, the metric on the validation list after the last epoch: its mean over seeds."""
    by_run = {
        (_rate(trial.config), trial.seed): value
        for study in found
        if study.dataset == dataset and len(of_record(study.record)) > 1
        for trial in study.record.in_state("complete")
        if (value := trial.value(metric)) is not None
    }
    by_rate: dict[float, list[float]] = {}
    for (rate, _), value in by_run.items():
        by_rate.setdefault(rate, []).append(value)
    return {rate: fmean(values) for rate, values in by_rate.items()}


def _rate(config: Mapping[str, object]) -> float:
    return float(str(config[RATE]))


def _cell(means: Mapping[float, float], rate: float, used: float, metric: str) -> str:
    if rate not in means:
        return ""
    value = with_unit(metric, means[rate], "")
    return f"**{value}**" if rate == used else value
