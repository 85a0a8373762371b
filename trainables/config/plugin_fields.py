"""What a user's own file adds to the config; ``parts.py`` fills it."""

DIGEST: list[str] = []
"""Of the file that is installed: one entry, or none."""

LOSS_FIELDS: dict[str, bool | int | float | str] = {}
"""Fields of ``loss/`` with their defaults: a loss's weight by its name, and its parameters."""

WEIGHTS: list[str] = []
"""Those of them that are weights; a schedule may name them."""

NETWORKS: list[str] = []
"""Choices of ``model/network`` beside those of its Literal."""
