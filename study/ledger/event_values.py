"""Values inside events that are not events themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.config import Value

Metrics = Mapping[str, float | None]
"""By metric, its value; None where it is undefined."""


@dataclass(frozen=True, kw_only=True)
class Reused:
    """A trial of another study whose results are reused instead of running it again."""

    study: str
    trial: int
    commit: str | None = None
    """Commit of the code that ran the trial."""
    network: int | None = None
    """The trial of that study that trained its network, if it is another one."""

    def to_json(self) -> dict[str, object]:
        """As earlier versions wrote it, where the trial has trained its network."""
        network = {} if self.network is None else {"network": self.network}
        return {"study": self.study, "trial": self.trial, "commit": self.commit, **network}


@dataclass(frozen=True, kw_only=True)
class Shared:
    """First epochs that a trial did not run: another one of the study had run the same."""

    trial: int
    epochs: int


@dataclass(frozen=True, kw_only=True)
class ChosenWeights:
    """The result of one cell's search."""

    trial: int | None
    """The best trial; None if no trial was complete."""
    changes: dict[str, Value]
    """Config fields, by path, that the cell has in the comparison."""
