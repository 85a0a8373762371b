"""How far a verdict goes: whether the order of cells still moves at the end of their trainings.

A ranking after 12 epochs may not be that after 160. The curves on the validation list say which
pairs of cells still change places; longer trainings say whether the leaders do: of one seed the
direction, of several, which played no part in choosing them, the verdict.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from study.analysis.results import AblationResults
from study.ledger.fold_checks import NAME
from study.ledger.plan import Plan
from study.ledger.trial_record import TrialRecord
from trainables.config import Value
from trainables.config.later_fields import of_refinement
from trainables.config.words import counted

GRID, TIMES = "horizon", 3
"""The name of the grid that runs longer, and by how much."""
_SOURCE = "the leaders of {}, longer"
_FEWEST_EPOCHS = 3

Curve = Mapping[int, float]
"""By epoch, counted from 1, a value."""


class Moving(NamedTuple):
    """How many orders changed in the last half and the last third of the epochs."""

    epochs: int
    pairs: int
    """Pairs of cells, with the baseline, by their means over common seeds."""
    half: int
    third: int
    runs: int
    """The same pairs on single seeds."""
    runs_half: int
    runs_third: int
    decided: tuple[str, ...]
    """Cells with a verdict whose order with the baseline changed in the last third."""

    def short(self) -> str:
        """``after 12 epochs; 2 of 10 orders still moving``."""
        orders = counted(self.pairs, "order")
        return f"after {counted(self.epochs, 'epoch')}; {self.third} of {orders} still moving"


def moving(results: AblationResults) -> Moving | None:
    """None without a pair of cells that are refined alike, for several networks, and below three
    epochs."""
    if len(results.record.plan.grid.baselines) > 1:
        return None  # cells of two networks are not compared, and their epochs may differ
    epochs, objective = results.record.plan.epochs, results.record.plan.objective
    curves = {
        cell: {trial.unit: _curve(trial, objective) for trial in trials if _is_complete(trial)}
        for cell, trials in results.by_cell().items()
    }
    plan = results.record.plan
    # Flat: a report executes no plug-in, without which there is no config.
    refined = {cell.name: _refinement({**plan.base, **cell.changes}) for cell in plan.design.cells}
    # Validation is of the networks alone: it says nothing of an order that refinement decides.
    alike = [pair for pair in combinations(curves, 2) if refined[pair[0]] == refined[pair[1]]]
    pairs = {
        pair: differences
        for pair in alike
        if (differences := _differences(curves[pair[0]], curves[pair[1]]))
    }
    if not pairs or epochs < _FEWEST_EPOCHS:
        return None
    half, third = (range(-(-part * epochs // of), epochs + 1) for part, of in ((1, 2), (2, 3)))
    means = {pair: _mean(differences) for pair, differences in pairs.items()}
    single = [curve for differences in pairs.values() for curve in differences]
    swapped = [pair for pair, curve in means.items() if changes(curve, third)]
    baseline, verdicts = results.tables[0].baseline, results.verdicts
    return Moving(
        epochs=epochs,
        pairs=len(pairs),
        half=_count(means.values(), half),
        third=len(swapped),
        runs=len(single),
        runs_half=_count(single, half),
        runs_third=_count(single, third),
        decided=tuple(
            cell
            for pair in swapped
            for cell in pair
            if baseline in pair and verdicts[cell] in ("better", "worse")
        ),
    )


def _refinement(config: Mapping[str, Value]) -> dict[str, Value]:
    """What corrects a test."""
    return {path: value for path, value in config.items() if of_refinement(path)}


def _is_complete(trial: TrialRecord) -> bool:
    return trial.state == "complete"


def _curve(trial: TrialRecord, objective: str) -> Curve:
    values = {number: epoch.metrics.get(objective) for number, epoch in trial.epochs.items()}
    return {number: value for number, value in values.items() if value is not None}


def _differences(one: Mapping[int, Curve], other: Mapping[int, Curve]) -> list[Curve]:
    """The curves of the difference on every common seed."""
    return [_minus(one[seed], other[seed]) for seed in sorted(one.keys() & other.keys())]


def _minus(one: Curve, other: Curve) -> Curve:
    return {epoch: one[epoch] - other[epoch] for epoch in one.keys() & other.keys()}


def _mean(curves: Sequence[Curve]) -> Curve:
    """At the epochs that all curves have."""
    common = set.intersection(*(set(curve) for curve in curves))
    return {epoch: sum(curve[epoch] for curve in curves) / len(curves) for epoch in common}


def changes(curve: Curve, epochs: range) -> bool:
    """Whether a difference has both signs within these epochs; zero is neither."""
    values = [curve[epoch] for epoch in epochs if epoch in curve]
    return min(values, default=0.0) < 0 < max(values, default=0.0)


def _count(curves: Iterable[Curve], epochs: range) -> int:
    return sum(changes(curve, epochs) for curve in curves)


def source_of(study: str) -> str:
    """The source of the grid that runs a study's leaders longer."""
    return _SOURCE.format(study)


def origin(plan: Plan) -> str:
    """The study whose leaders this plan runs longer; "" if it is no such plan."""
    if not plan.design.cells or plan.grid.name != GRID:
        return ""
    before, after = _SOURCE.split("{}")
    name = plan.grid.source.removeprefix(before).removesuffix(after)
    # It becomes a path.
    return name if NAME.fullmatch(name) and plan.grid.source == source_of(name) else ""


class Longer(NamedTuple):
    """The leaders of an earlier study after more epochs, on one seed."""

    study: str
    epochs: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    """By cell, the objective on that seed, in the earlier study and in this one."""

    def held(self, mode: str) -> bool:
        """Whether the order is the same."""
        return order(self.before, mode) == order(self.after, mode)


def order(figures: Mapping[str, float], mode: str) -> list[str]:
    """The cells, best first."""
    return sorted(figures, key=lambda cell: figures[cell], reverse=mode == "max")


def longer(results: AblationResults) -> Longer | None:
    """None for any other study, and while a leader has not been measured."""
    if not (setup := _earlier(results)):
        return None
    plan, metric = results.record.plan, results.record.plan.objective
    before = {cell.name: cell.published.get(setup, {}).get(metric) for cell in plan.grid.cells}
    after = {row.cell.name: row.mean for row in results.tables[0].rows}
    known = {cell: value for cell, value in before.items() if value is not None}
    now = {cell: value for cell, value in after.items() if value is not None}
    if known.keys() != now.keys() or not known:
        return None
    return Longer(plan.study, plan.epochs, known, now)


class Judged(NamedTuple):
    """A leader after more epochs."""

    before: float
    """Its mean difference from the baseline in the earlier study."""
    after: float
    verdict: str
    """Of the longer training, on its own seeds."""


class LongerOnSeeds(NamedTuple):
    """The leaders of an earlier study after more epochs, on seeds that did not choose them."""

    study: str
    epochs: int
    seeds: int
    """Of the baseline; a cell that was decided early has fewer."""
    before: float
    after: float
    """The baseline's mean in both studies."""
    cells: Mapping[str, Judged]


def longer_on_seeds(results: AblationResults) -> LongerOnSeeds | None:
    """None for any other study, and while a leader has no difference from the baseline."""
    if not (setup := _earlier(results)):
        return None
    plan, table = results.record.plan, results.tables[0]
    gains = {cell.name: cell.gains.get(setup, {}).get(table.metric) for cell in plan.grid.cells}
    before = {cell: gain for cell, gain in gains.items() if gain is not None}
    after = {
        cell: row.comparison.mean
        for cell in before
        if (row := table.row(cell)).comparison is not None and row.comparison.mean is not None
    }
    baseline = table.row(table.baseline)
    if not before or before.keys() != after.keys() or baseline.mean is None:
        return None
    return LongerOnSeeds(
        study=plan.study,
        epochs=plan.epochs,
        seeds=len(baseline.values),
        before=baseline.cell.published[setup][table.metric],
        after=baseline.mean,
        cells={cell: Judged(before[cell], after[cell], results.verdicts[cell]) for cell in before},
    )


def _earlier(results: AblationResults) -> str:
    """The setup with the earlier study's figures; "" if there is none of the same list."""
    setup = next(iter(results.record.plan.grid.setup_names()), "")
    return setup if origin(results.record.plan) and setup.endswith(f", {results.split}") else ""
