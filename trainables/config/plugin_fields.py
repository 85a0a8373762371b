"""What the installed plug-in adds to the config; ``trainables/plugin.py`` fills it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

Value = bool | int | float | str
"""What a config field may hold."""

Added = tuple[tuple[str, Value], ...]
"""Fields of a plug-in that differ from their defaults."""

SECTIONS = ("loss", "optim", "data")
"""The config's sections to which a plug-in may add fields."""


@dataclass
class PluginFields:
    """Empty unless a plug-in is installed."""

    digest: str = ""
    """Names the plug-in by its text."""

    loss_fields: dict[str, Value] = field(default_factory=dict)
    """Fields of ``loss/`` with their defaults: a loss's weight by its name, and its parameters."""

    optim_fields: dict[str, Value] = field(default_factory=dict)
    """The same of ``optim/``: parameters of optimisers and schedules."""

    data_fields: dict[str, Value] = field(default_factory=dict)
    """The same of ``data/``: an augmentation's probability by its name, and its parameters."""

    parameters: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """By table and name of an entry, the names of its parameters."""

    weights: list[str] = field(default_factory=list)
    """The loss fields that are weights; a schedule may name them."""

    networks: list[str] = field(default_factory=list)
    """Choices of ``model/network`` beside those of its Literal."""

    features: dict[str, str] = field(default_factory=dict)
    """By network: the layer whose output a boundary head reads, unless ``model/features`` names
    another."""

    optimizers: list[str] = field(default_factory=list)
    """Choices of ``optim/optimizer`` beside those of its Literal."""

    schedules: list[str] = field(default_factory=list)
    """Choices of ``optim/schedule`` beside those of its Literal."""

    augmentations: list[str] = field(default_factory=list)
    """The data fields that are probabilities."""

    metrics: list[str] = field(default_factory=list)
    """Metrics beside Edgewise's own; an objective may name them."""

    def fields_of(self, section: str) -> dict[str, Value]:
        """The fields that are added to a section, with their defaults."""
        known = zip(SECTIONS, (self.loss_fields, self.optim_fields, self.data_fields), strict=True)
        return dict(known).get(section, {})

    def value(self, section: str, added: Added, name: str) -> Value:
        """The value of an added field; ``added``: those that differ from their defaults."""
        return dict(added).get(name, self.fields_of(section)[name])

    def choices(self, section: str, name: str) -> Iterable[str]:
        """What is added to the choices of a field; ``section`` is the name of its class."""
        known = {
            ("ModelConfig", "network"): self.networks,
            ("OptimConfig", "optimizer"): self.optimizers,
            ("OptimConfig", "schedule"): self.schedules,
        }
        return known.get((section, name), ())

    def clear(self) -> None:
        self.digest = ""
        self.parameters.clear()
        self.features.clear()
        for table in (self.loss_fields, self.optim_fields, self.data_fields):
            table.clear()
        for names in (
            *(self.weights, self.networks, self.optimizers, self.schedules),
            *(self.augmentations, self.metrics),
        ):
            names.clear()


PLUGIN = PluginFields()
