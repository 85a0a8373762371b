"""Fields that a trial's id and a ledger's line leave out where they are at their defaults.

Ledgers of versions without them then read as before, and their trials keep their names.
"""

from collections.abc import Mapping
from functools import cache

from trainables.config.plugin_fields import Value
from trainables.config.rival_losses import DEFAULTS
from trainables.config.trial import TrialConfig, flatten

_REFINEMENT = ("refine/", "segfix/", "dense_crf/")
"""Sections that only the test on the test list reads: no training, and no validation."""
_FIELDS = (
    "data/clip",
    "data/clip_skip",
    "data/inputs",
    "model/attention_scales",
    "model/detach_masks",
    "model/test_attention_scales",
    "model/variant",
    "optim/train",
)


def of_refinement(path: str) -> bool:
    """Whether only the test on the test list reads the field."""
    return path.startswith(_REFINEMENT)


@cache
def later_fields() -> Mapping[str, Value]:
    """By path, the defaults of these fields."""
    declared = flatten(TrialConfig())
    of_sections = {path: declared[path] for path in declared if of_refinement(path)}
    of_fields = {path: declared[path] for path in _FIELDS}
    return {**DEFAULTS, **of_sections, **of_fields}


def without_defaults(flat: Mapping[str, Value]) -> dict[str, Value]:
    """A config by path, without those of these fields that are at their defaults."""
    later = later_fields()
    return {p: value for p, value in flat.items() if p not in later or later[p] != value}
