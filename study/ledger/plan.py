"""The plan of a study: what it will run, decided and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from search_spaces import SPACES, Grid, Space
from search_spaces.earlier import EARLIER
from study.ledger.design import Ablation, Search
from study.ledger.gpu_share import GpuShare
from study.ledger.html_table import html_table
from trainables.config import TrialConfig, Value, flatten, from_flat, require
from trainables.config.earlier import changes_beside, is_earlier
from trainables.config.words import counted
from trainables.metrics.catalog import Metric
from trainables.training.batch_fit import CONTEXT_MIB

Correction = Literal["holm", "max_t"]
"""How the p-values of a table are corrected for its number of comparisons: Holm's step-down method
(1979), or step-down max-T (``analysis/max_t.py``)."""


@dataclass(frozen=True, kw_only=True)
class PluginText:
    """A user's plug-in, which the ledger stores as text."""

    name: str
    text: str
    digest: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Plan:
    """A study before it runs; the first event of its ledger.

    ``storage`` and the fields below it say where the study runs, and are not in the ledger. Reading
    a plan installs nothing: ``base`` is flat, and only ``config`` needs the plan's plug-in.
    """

    study: str
    space: str
    question: str
    design: Search | Ablation
    base: Mapping[str, Value]
    """The config that all trials share, by path."""
    objectives: Mapping[str, str]
    """``max`` or ``min`` by metric; where a single metric must rank, the first one does."""
    seed: int
    lanes: int
    workers: int
    cpus_per_worker: float
    gpus_per_worker: float
    gpu_share: GpuShare | None = None
    """What decided ``gpus_per_worker``; None where the user did."""
    budget: Mapping[str, float] = field(default_factory=dict)
    """Upper limits of ``hours`` and ``gpu_hours``; a kind without a limit is absent."""
    correction: Correction = "holm"
    """Fixed before the first trial; ledgers without the field were planned with Holm's method."""
    smallest: float | None = None
    """The smallest effect on the objective that matters, in its own unit."""
    fresh: bool = False
    """Reuse nothing of earlier studies."""
    sharing: bool = False
    """Whether runs of a grid begin from the checkpoint of an equal one; ledgers without the field
    were planned without."""
    plugin: PluginText | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    """The plug-in's metrics, so that a report knows their units without executing it."""
    storage: Path = Path()
    tracking_uri: str = field(default="", repr=False)  # it may hold a password
    most_lanes: int = 0
    """The requested number of lanes; 0: as many as fit, also on machines that join later."""
    places: str = ""
    """On which machines the lanes run and what they wait for, formatted."""

    def __repr__(self) -> str:
        """One line: the study's name and what it will run."""
        return f"Plan({self.study!r}: {', '.join(self._summary().values())})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        facts = {"study": f"{self.study} in {self.storage}", "question": self.question}
        return html_table(facts | self._summary())

    def _summary(self) -> dict[str, str]:
        what = f"grid {self.grid.name}" if isinstance(self.design, Ablation) else "search"
        return {
            "runs": f"{what} of {self.space}",
            "trials": f"{counted(self.trials, 'trial')} of {counted(self.epochs, 'epoch')}",
            "compared by": ", ".join(self.objectives),
            "data": str(self.base["data/dataset"]),
            "lanes": counted(self.lanes, "lane"),
        }

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study

    @property
    def objective(self) -> str:
        """The metric that ranks; with several objectives, the first one."""
        return next(iter(self.objectives))

    @property
    def mode(self) -> str:
        return self.objectives[self.objective]

    @property
    def trials(self) -> int:
        """Trials in all: of searches, of comparisons and of a confirmation."""
        return self.design.total

    @property
    def epochs(self) -> int:
        return int(self.base["epochs"])

    @property
    def search(self) -> Search:
        """The design, if this is a search."""
        assert isinstance(self.design, Search), f"{self.study} is an ablation"
        return self.design

    @property
    def ablation(self) -> Ablation:
        """The design, if this is an ablation."""
        assert isinstance(self.design, Ablation), f"{self.study} is a search"
        return self.design

    @property
    def grid(self) -> Grid:
        """The ablation's grid."""
        return self.ablation.grid

    @property
    def gpu_context_mib(self) -> float:
        """What a process takes of its GPU beside PyTorch's pool, as far as it is known."""
        return (self.gpu_share and self.gpu_share.context_mib) or CONTEXT_MIB

    def known_space(self) -> Space:
        """The space that the plan names, as it was when the plan was written.

        Raises:
            ValueError: no space has this name here; it may be one of a plug-in.
        """
        require(self.space in SPACES, "space", f"one of {', '.join(SPACES)}", self.space)
        earlier = EARLIER if is_earlier(self.base) else {}
        return earlier.get(self.space, SPACES[self.space])

    @cached_property
    def config(self) -> TrialConfig:
        """``base`` as a typed and checked config.

        Raises:
            ValueError: a field belongs to a plug-in that is not installed.
        """
        return from_flat(self.base)

    def resolve(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """Return the complete flat config of a trial with these parameters."""
        return flatten(self.config.changed(changes_beside(self.base, params)))

    def with_weights(self, changes: Mapping[str, Mapping[str, Value]]) -> "Plan":
        """The plan with what its searches have chosen: changes by cell name."""
        return replace(self, design=self.design.with_weights(changes))
