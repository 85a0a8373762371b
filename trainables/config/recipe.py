"""A training recipe: changes to the config, with their source."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.config.validation import Value


@dataclass(frozen=True)
class Recipe:
    source: str
    changes: Mapping[str, Value]
    differs: str = ""
    """In what it is not the paper's."""
