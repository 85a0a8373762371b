"""Which published figures were measured as a study measures its own, and which stand apart.

A setup is comparable if network, initial weights, data, lists, label size and inference agree.
The training is the user's: a recipe, epochs and a plug-in's losses are what a study compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces import Cell, Grid, Setup
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from trainables.config import TrialConfig, Value, flatten
from trainables.metrics.catalog import METRICS

UNKNOWN = "how it was measured is not recorded"
_FIRST = ("data/dataset", "model/network", "model/weights")
"""What a reader should see first of several differences."""
_UNTESTED = "not measured on the test list yet"


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Published figures that a study must not stand beside."""

    name: str
    """The setup's key in the cells."""
    words: str
    """How they were measured."""
    differences: tuple[str, ...]
    """Why not: what differs here, or what is missing."""

    def title(self) -> str:
        return f"Published, for {self.words}" if self.words != self.name else self.name

    def reason(self) -> str:
        """One sentence."""
        return f"Not comparable here: {'; '.join(self.differences)}."


def differences(
    setup: Setup, config: Mapping[str, Value], images: Mapping[str, int] | None = None
) -> list[str]:
    """In what a study does not measure as the setup did; [] if it does.

    Args:
        config: of a trial, flat, with all fields.
        images: of the study by list; None where they are not known yet.
    """
    found = [setup.needs] if setup.needs else []
    found += ["measured on folds of the training and validation list here"] * bool(
        config["data/folds"]
    )
    found += [
        f"{path} is {_shown(config.get(path, 'unknown'))} here, {_shown(wanted)} there"
        for path, wanted in sorted(setup.config.items(), key=lambda item: item[0] not in _FIRST)
        if config.get(path) != wanted and _is_used(path, config)
    ]
    found += [
        f"{images.get(split, 0)} images of {split} here, {count} there"
        for split, count in setup.counts.items()
        if images is not None and images.get(split, 0) != count
    ]
    return found


def _is_used(path: str, config: Mapping[str, Value]) -> bool:
    """Whether the field is read with this config: how SegFix is trained, only by who refines so."""
    return not path.startswith("segfix/") or config.get("refine/method") == "segfix"


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value == "" else str(value)


def comparable(
    plan: Plan, grid: Grid, images: Mapping[str, int] | None, split: str = "test"
) -> list[str]:
    """The names of the setups whose figures may stand beside the study's.

    Args:
        split: the list of the study's figures.
    """
    parts = {apart.name for apart in set_apart(plan, grid, images, split)}
    return [name for name in grid.setup_names() if name not in parts]


def set_apart(
    plan: Plan, grid: Grid, images: Mapping[str, int] | None, split: str = "test"
) -> list[Apart]:
    """The setups whose figures the study does not measure as they were, with the reasons."""
    known = {setup.name: setup for setup in grid.setups}
    # A field that a ledger does not have yet has its default.
    base = {**flatten(TrialConfig()), **plan.base}
    found = []
    for name in grid.setup_names():
        setup = known.get(name)
        reasons = [UNKNOWN] if setup is None else _differences(setup, base, grid, images, split)
        if reasons:
            words = name if setup is None else setup.words()
            found.append(Apart(name=name, words=words, differences=tuple(reasons)))
    return found


def _differences(
    setup: Setup,
    base: Mapping[str, Value],
    grid: Grid,
    images: Mapping[str, int] | None,
    split: str,
) -> list[str]:
    """Of the cells that run here, a cell's changes count, too; where each network has cells of its
    own, of those that the setup has figures of. Where none of these runs, the config alone."""
    cells = [cell for cell in grid.cells if not cell.needs] or list(grid.cells)
    if len(grid.baselines) > 1:
        cells = [cell for cell in cells if setup.name in {*cell.published, *cell.gains}]
    changes = [cell.changes for cell in cells] or [{}]
    found = [differences(setup, {**base, **changed}, images) for changed in changes]
    if split != "test":
        found.append([_UNTESTED])
    return list(dict.fromkeys(reason for reasons in found for reason in reasons))


def of_record(record: StudyRecord, split: str) -> list[Apart]:
    """``set_apart`` of a study that has begun."""
    return set_apart(record.plan, record.plan.grid, record.data.images, split)


def metrics_of(grid: Grid, name: str) -> list[str]:
    """The metrics of which a setup has figures or gains, in the paper's order."""
    rows = [row.get(name, {}) for cell in grid.cells for row in (cell.published, cell.gains)]
    return list(dict.fromkeys(metric for row in rows for metric in row))


def figure(cell: Cell, name: str, metric: str) -> float | None:
    """The published figure of a cell; None if there is none."""
    return cell.published.get(name, {}).get(metric)


def gain(cell: Cell, baseline: Cell, name: str, metric: str) -> float | None:
    """The published difference from the baseline; None if there is none. One that is given counts
    more than that of the figures, which may be means over other seeds."""
    if cell.name == baseline.name:
        return None
    given = cell.gains.get(name, {}).get(metric)
    ours, base = (figure(each, name, metric) for each in (cell, baseline))
    return given if given is not None or ours is None or base is None else ours - base


def in_percent(metric: str) -> bool:
    """Whether a published figure is a fraction, which is shown in percent."""
    return metric in METRICS and METRICS[metric].unit == "fraction"
