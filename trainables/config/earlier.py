"""Configs that earlier versions wrote: their names and defaults, in today's words.

Until ``inverse_net/distance`` existed, InverseForm's network was trained by squared errors on
softened tiles, and the network ``aet`` was the one that is ``aet_dense`` now.
"""

from collections.abc import Mapping

from trainables.config.plugin_fields import Value

_COMPLETE = {"epochs", "loss/gamma", "inverse_net/network"}
"""Paths that a complete config of any version has."""
_ADDED = "inverse_net/distance"
_DEFAULTS: Mapping[str, Value] = {
    "inverse_net/distance": "euclidean",
    "inverse_net/soften": True,
    "inverse_net/unlike": True,
}
"""What an earlier version did where it had no field."""


def is_earlier(flat: Mapping[str, Value]) -> bool:
    """Whether a flat config is a complete one of a version without ``inverse_net/distance``."""
    return flat.keys() >= _COMPLETE and _ADDED not in flat


def translated(flat: Mapping[str, Value]) -> Mapping[str, Value]:
    """A flat config as today's version writes it; one of today's is returned as it is."""
    return {**_DEFAULTS, **changes_beside(flat, flat)} if is_earlier(flat) else flat


def changes_beside(base: Mapping[str, Value], changes: Mapping[str, Value]) -> Mapping[str, Value]:
    """Changes to a config, in today's words, if the version that wrote ``base`` made them."""
    if is_earlier(base) and changes.get("inverse_net/network") == "aet":
        return {**changes, "inverse_net/network": "aet_dense"}
    return changes
