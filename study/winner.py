"""A search's winner, run again on fresh seeds: was it the best, or the luckiest?"""

from pathlib import Path
from typing import NamedTuple

from search_spaces.grid import Cell, Grid
from study import own_parts, report, storage
from study.plan import check_name
from study.record import StudyRecord
from study.trial_record import TrialRecord
from trainables.config import TrialConfig, from_flat

_BASELINE, _WINNER = "not searched", "winner"
OF_LOSSES = ("loss/", "inverse_net/", "edge_net/")
"""Fields of losses and of the networks inside them."""


class Rerun(NamedTuple):
    """What an earlier study leaves to be confirmed."""

    space: str
    objective: str
    base: TrialConfig
    """The study's own, its seed being the first that is to be run."""
    grid: Grid
    seeds: int | None = None
    """How many, unless asked otherwise; None: the fewest that can decide."""


def rerun(studies: Path, name: str) -> Rerun:
    """The winner against the search's base config, which has none of the searched losses.

    Parameters that are no losses (the learning rate) are the winner's in both, so that the
    comparison is about the losses alone.

    Raises:
        ValueError: there is no such study, it is a grid, or no trial of it is whole.
    """
    check_name(name, "--winner")
    folder = studies / name
    storage.require_known("--winner", folder)
    record = report.load(folder)
    if "grid" in record.plan:
        raise ValueError(f"--winner must be a search, got the grid {folder.name!r}")
    best = record.best()
    if best is None or best.state != "complete":
        raise ValueError(f"--winner must have a trial that ran all epochs, got {folder.name!r}")
    own_parts.from_plan(record.plan)
    base = from_flat(record.plan["base"])
    return Rerun(record.plan["space"], record.plan["objective"],
                 base.changed({"seed": base.seed + 1}), _grid(record, best))  # fmt: skip


def _grid(record: StudyRecord, best: TrialRecord) -> Grid:
    study, objective = record.plan["study"], record.plan["objective"]
    others = {path: value for path, value in best.params.items()
              if not path.startswith(OF_LOSSES)}  # fmt: skip
    reported = {f"search {study}, val": {objective: best.metrics[objective]}}
    tested = (best.tested or {}).get(f"test_{objective}")
    if tested is not None:
        reported[f"search {study}, test"] = {objective: tested}
    return Grid(
        name="winner",
        question=f"Is the winner of {study} better than its base on seeds that chose nothing?",
        source=f"trial {best.number} of the search {study}, seed {best.config['seed']}",
        baseline=_BASELINE,
        cells=(
            Cell(name=_BASELINE, changes=others),
            Cell(name=_WINNER, changes=best.params, published=reported),
        ),
    )
