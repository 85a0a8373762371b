"""Fields that a trial's id and a ledger's line leave out where they are at their defaults.

Ledgers of versions without them then read as before, and their trials keep their names.
"""

from collections.abc import Mapping

from trainables.config.plugin_fields import Value
from trainables.config.rival_losses import DEFAULTS
from trainables.config.trial import TrialConfig, flatten

_SECTIONS = ("refine/", "segfix/", "dense_crf/")
_OF_TRAINING = ("optim/train",)
_OF_FILMS = ("data/clip", "data/clip_skip", "model/detach_masks")


def later_fields() -> Mapping[str, Value]:
    """By path, the defaults of these fields."""
    declared = flatten(TrialConfig())
    of_sections = {path: declared[path] for path in declared if path.startswith(_SECTIONS)}
    return {
        **DEFAULTS,
        **of_sections,
        **{path: declared[path] for path in (*_OF_FILMS, *_OF_TRAINING)},
    }


def without_defaults(flat: Mapping[str, Value]) -> dict[str, Value]:
    """A config by path, without those of these fields that are at their defaults."""
    later = later_fields()
    return {p: value for p, value in flat.items() if p not in later or later[p] != value}
