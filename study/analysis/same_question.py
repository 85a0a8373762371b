"""Whether comparisons of several studies asked the same question, on different data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from search_spaces import Grid
from study.analysis.cell_values import split_of
from study.analysis.confirmation import OF_LOSSES, confirmation_of
from study.analysis.recorded_space import space_of
from study.analysis.units import unit_in
from study.ledger.design import WINNER, Ablation
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from trainables.config import TrialConfig, Value, flatten
from trainables.config.earlier import translated
from trainables.config.later_fields import of_refinement

_OF_OTHER_DATA = ("data/",)
_NO_MATTER = {"seed"}
_ANY = "folder"
"""The dataset whose name says nothing about its data."""

_USED_BY = {
    "inverse_net/": ("loss/gamma",),
    "edge_net/": ("loss/lambda_1", "loss/lambda_2", "loss/lambda_3"),
}
"""By section of a network inside a loss, the weights that put it to use."""


@dataclass(frozen=True)
class Compared:
    """A study's comparison."""

    record: StudyRecord
    """Of the comparing trials alone."""
    searched: frozenset[str]
    """Paths that a search chose, so that their values may differ."""

    @property
    def name(self) -> str:
        return self.record.plan.study

    @property
    def grid(self) -> Grid:
        return self.record.plan.grid

    @property
    def baseline(self) -> str:
        return self.grid.baseline

    @property
    def split(self) -> str:
        return split_of(self.record)

    @property
    def cells(self) -> list[str]:
        """Those that were compared with the baseline."""
        return [c.name for c in self.grid.cells if not c.needs and c.name != self.baseline]

    @property
    def base(self) -> dict[str, Value]:
        """The complete config in today's words; a field that the ledger lacks has its default."""
        return {**flatten(TrialConfig()), **translated(self.record.plan.base)}

    def decided(self, cell: str) -> dict[str, Value]:
        """The fields that make a cell: of its loss, without those of a network that no term of it
        uses, as recipes set them for all cells; of its refinement; and what else it changes."""
        changes = self.grid.cell(cell).changes
        values = {**self.base, **changes}
        unused = tuple(
            section
            for section, weights in _USED_BY.items()
            if not any(values.get(weight) or weight in self.searched for weight in weights)
        )
        return {
            path: value
            for path, value in values.items()
            if (path.startswith(OF_LOSSES) or of_refinement(path) or path in changes)
            and not path.startswith(unused)
        }


def compared(record: StudyRecord) -> Compared:
    """The comparison of a study.

    Raises:
        ValueError: it has none.
    """
    if isinstance(record.plan.design, Ablation):
        cells, baselines = record.plan.grid.cells, record.plan.grid.baselines
        if len(baselines) > 1:
            raise ValueError(
                f"--together needs one baseline per study, got {', '.join(baselines)} in "
                f"{record.plan.study}"
            )
        if record.plan.design.folds:
            raise ValueError(
                f"--together needs comparisons over seeds on one test list, got the "
                f"{record.plan.design.folds} folds of {record.plan.study}"
            )
        return Compared(record.compared(), frozenset(d.path for c in cells for d in c.searched))
    confirming = confirmation_of(record)
    if confirming is None:
        raise ValueError(
            f"--together needs comparisons with a baseline, got the search {record.plan.study!r}; "
            f"--winner {record.plan.study} makes one of it"
        )
    return Compared(confirming, frozenset(d.path for d in space_of(record).dimensions))


def require_same(studies: Sequence[Compared], cells: Sequence[str]) -> list[str]:
    """The cells that all studies compare, or those of ``cells``.

    Raises:
        ValueError: one line; what the studies must share, and which two differ in it.
    """
    if len(studies) < 2:
        raise ValueError(f"--together needs two studies or more, got {len(studies)}")
    for one, other in combinations(studies, 2):
        _require_other_data(one, other)
    first = studies[0]
    for other in studies[1:]:
        for what, ours, theirs in _must_equal(first, other):
            if ours != theirs:
                _refuse(f"the same {what}", first, ours, other, theirs)
    names = _chosen(studies, cells) if cells else _shared(studies)
    for cell in [first.baseline, *names]:
        _require_same_cell(studies, cell)
    return names


def _chosen(studies: Sequence[Compared], cells: Sequence[str]) -> list[str]:
    for study in studies:
        for cell in cells:
            if cell not in study.cells:
                have = ", ".join(study.cells)
                raise ValueError(f"--cells must be of {have} in {study.name}, got {cell!r}")
    return list(dict.fromkeys(cells))


def _shared(studies: Sequence[Compared]) -> list[str]:
    first = studies[0]
    for other in studies[1:]:
        if set(first.cells) != set(other.cells):
            ours, theirs = ", ".join(first.cells), ", ".join(other.cells)
            _refuse("the same cells, or --cells to choose some,", first, ours, other, theirs)
    if not first.cells:
        raise ValueError(f"--together needs cells beside the baseline, got none in {first.name}")
    return first.cells


def _must_equal(one: Compared, other: Compared) -> Iterator[tuple[str, str, str]]:
    ours, theirs = one.record, other.record
    metrics = (ours.plan.objective, theirs.plan.objective)
    yield "metric", *metrics
    yield "unit", unit_in(ours, metrics[0]), unit_in(theirs, metrics[1])
    if metrics[0] in ours.plan.metrics or metrics[1] in theirs.plan.metrics:
        yield "plug-in, whose metric this is,", _plugin(ours.plan), _plugin(theirs.plan)
    yield "baseline", one.baseline, other.baseline
    yield "list", one.split, other.split
    if WINNER in one.cells:  # of a space
        yield "space", ours.plan.space, theirs.plan.space


def _plugin(plan: Plan) -> str:
    return plan.plugin.digest if plan.plugin else "none"


def _require_same_cell(studies: Sequence[Compared], cell: str) -> None:
    first, searched = studies[0], frozenset[str]().union(*(study.searched for study in studies))
    for other in studies[1:]:
        ours, theirs = first.decided(cell), other.decided(cell)
        for path in sorted((ours.keys() | theirs.keys()) - searched):
            pair = ours.get(path, first.base.get(path)), theirs.get(path, other.base.get(path))
            if pair[0] != pair[1]:
                kind = "loss" if path.startswith(OF_LOSSES) else "setting"
                what = f"the same {kind} in {cell!r}"
                values = [f"{path} {value}" for value in pair]
                _refuse(what, first, values[0], other, values[1])


def _require_other_data(one: Compared, other: Compared) -> None:
    """Two studies of one dataset are not two datasets, at whatever size."""
    ours, theirs = one.record.data, other.record.data
    root = "data/root"
    same = ours.digest == theirs.digest or (
        ours.dataset == theirs.dataset
        and (ours.dataset != _ANY or one.base[root] == other.base[root])
    )
    if same:
        raise ValueError(
            f"--together needs a different dataset in each study, got {ours.dataset} in both "
            f"{one.name} and {other.name}"
        )


def _refuse(what: str, one: Compared, ours: str, other: Compared, theirs: str) -> None:
    raise ValueError(
        f"--together needs {what} in all studies, got {ours} in {one.name} and {theirs} in "
        f"{other.name}"
    )


def differing(studies: Sequence[Compared]) -> list[str]:
    """The fields, besides data and losses, in which studies differ: ``epochs: 12 in a, 4 in b``."""
    bases: list[Mapping[str, Value]] = [study.base for study in studies]
    paths = dict.fromkeys(path for base in bases for path in base)
    found = []
    for path in paths:
        if path in _NO_MATTER or path.startswith((*OF_LOSSES, *_OF_OTHER_DATA)):
            continue
        values = [base.get(path) for base in bases]
        if any(value != values[0] for value in values):
            each = (f"{v} in {study.name}" for v, study in zip(values, studies, strict=True))
            found.append(f"{path}: {', '.join(each)}")
    return found
