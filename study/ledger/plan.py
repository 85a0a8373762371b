"""What will run, decided and checked before anything starts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_spaces import SPACES, Grid
from search_spaces.grid import grid_from_event
from study.ledger.record import Value
from study.planning.plugin import install_from_plan
from trainables.config import TrialConfig, flatten, from_flat
from trainables.plugin import Plugin, installed


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study before it runs. The ledger's first event is this, with the data's facts."""

    study: str
    space: str
    base: TrialConfig
    objective: str
    mode: str
    trials: int
    sampler: str
    scheduler: str
    seed: int
    lanes: int
    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    storage: Path
    tracking_uri: str
    grid: Grid | None = None
    """Cells to compare instead of a search. What a cell lacks here is in its ``needs``."""
    seeds: tuple[int, ...] = ()
    """Of a grid: every cell runs on each of them."""
    objectives: dict[str, str] = field(default_factory=dict)
    """``max`` or ``min`` by metric where there are several; the first is ``objective``."""
    budget: dict[str, float] = field(default_factory=dict)
    """``hours`` and ``gpu_hours`` at most, where there is a limit (``planning/budget.py``)."""
    warm_start: dict[str, Any] = field(default_factory=dict)
    """What the sampler is told of earlier studies (``prior_studies/warm_start.py``)."""
    replay: dict[str, Any] = field(default_factory=dict)
    """The trial that is run again, and its figures (``study/planning/prior_studies/replay.py``)."""
    fresh: bool = False
    """Nothing is taken from earlier studies."""
    search_trials: int = 0
    """Of a grid whose cells are searched first: trials of each cell's search."""
    parts: Plugin | None = None
    """A user's own file, given by ``--with``."""
    most_lanes: int = 0
    """What was asked for; 0 takes all that fit, those of machines that join too."""
    places: str = ""
    """On which machines the lanes run and what they wait for, for a person to read."""

    @property
    def question(self) -> str:
        return self.grid.question if self.grid else SPACES[self.space].question

    @property
    def folder(self) -> Path:
        """Everything of this study lies below."""
        return self.storage / self.study

    @property
    def stages_folder(self) -> Path:
        """Shared by all studies of one storage."""
        return self.storage / "stages"

    def resolve(self, params: dict[str, Value]) -> dict[str, Value]:
        """The whole flat config of a trial with these searched parameters."""
        return flatten(self.base.changed(params))

    def event(self) -> dict[str, Any]:
        """The plan as the ledger keeps it. Where it lies and reports is not part of it."""
        own: dict[str, Any] = {}
        if self.grid is not None:
            own = {
                "grid": self.grid.event(),
                "seeds": list(self.seeds),
                "search_trials": self.search_trials,
            }
        if self.objectives:
            own["objectives"] = self.objectives
        for name in ("budget", "warm_start", "replay", "fresh"):
            if getattr(self, name):
                own[name] = getattr(self, name)
        if self.parts is not None:
            own["parts"] = {
                "name": self.parts.name,
                "text": self.parts.text,
                "digest": self.parts.digest,
            }
        return {
            "study": self.study,
            "space": self.space,
            "question": self.question,
            "base": flatten(self.base),
            "objective": self.objective,
            "mode": self.mode,
            "trials": self.trials,
            "sampler": self.sampler,
            "scheduler": self.scheduler,
            "seed": self.seed,
            "lanes": self.lanes,
            "workers": self.workers,
            "cpus_per_worker": self.cpus_per_worker,
            "gpus_per_worker": self.gpus_per_worker,
            **own,
        }


def plan_from_event(event: dict[str, Any], storage: Path, tracking_uri: str, lanes: int) -> Plan:
    """The plan that a ledger holds, to be continued here, with its parts installed."""
    install_from_plan(event)
    kept = {name: event[name] for name in Plan.__dataclass_fields__ if name in event}
    kept |= {"base": from_flat(event["base"]), "storage": storage, "tracking_uri": tracking_uri}
    if "grid" in event:
        kept |= {"grid": grid_from_event(event["grid"]), "seeds": tuple(event["seeds"])}
    kept["parts"] = installed() if "parts" in event else None
    return Plan(**{**kept, "lanes": lanes or event["lanes"]})
