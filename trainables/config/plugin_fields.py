"""What the installed plug-in adds to the config; ``trainables/plugin.py`` fills it."""

from dataclasses import dataclass, field

Value = bool | int | float | str
"""What a config field may hold."""


@dataclass
class PluginFields:
    """Empty unless a plug-in is installed."""

    digest: str = ""
    """Names the plug-in by its text."""

    loss_fields: dict[str, Value] = field(default_factory=dict)
    """Fields of ``loss/`` with their defaults: a loss's weight by its name, and its parameters."""

    weights: list[str] = field(default_factory=list)
    """The loss fields that are weights; a schedule may name them."""

    networks: list[str] = field(default_factory=list)
    """Choices of ``model/network`` beside those of its Literal."""

    features: dict[str, str] = field(default_factory=dict)
    """By network: the layer whose output a boundary head reads, unless ``model/features`` names
    another."""

    def clear(self) -> None:
        self.digest = ""
        self.loss_fields.clear()
        self.weights.clear()
        self.networks.clear()
        self.features.clear()


PLUGIN = PluginFields()
