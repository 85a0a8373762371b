"""What a searcher hands to Tune for one trial, and Tune hands to the trial's actor."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal

from trainables.config.validation import Value

Phase = Literal["", "search", "confirm"]
"""``search``: the trial only chooses its cell's weights and is part of no comparison. ``confirm``:
it runs the winner of a search, or its base, on another seed."""


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One trial before it runs. Tune only carries dicts, so this is a dict at Tune's edge."""

    number: int
    params: dict[str, Value]
    """What the space or the cell chose, by config path."""
    config: dict[str, Value]
    """The complete config, by path."""
    resume_from: str = ""
    """Folder of the checkpoint to continue from; "" starts from scratch."""
    twin: int | None = None
    """The trial whose checkpoint that is, if its first epochs are this trial's, too."""
    shared_epochs: int = 0
    """How many epochs those are."""
    initial: str = ""
    """The file of another trial's network that this one starts from, in place of ``model/init``."""
    kept_epochs: tuple[int, ...] = ()
    """Epochs after which its checkpoint stays, because other trials may begin from it."""
    cell: str = ""
    """The cell of an ablation or of a confirmation; "" for a search."""
    phase: Phase = ""
    generation: int | None = None
    """NSGA-II's generation of the trial; None for other samplers."""

    @property
    def seed(self) -> int:
        return int(self.config["seed"])

    @property
    def pair(self) -> tuple[int, int]:
        """Seed and fold: runs of two cells that share them are a pair."""
        return self.seed, int(self.config.get("data/fold", 0))

    def to_tune(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_tune(cls, config: Mapping[str, object]) -> "TrialSpec":
        # Searchers may add keys of their own; Tune keeps them.
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in config.items() if name in known})  # type: ignore[arg-type]
