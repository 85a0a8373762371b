"""Configs as a line of the ledger has them: without the fields of what a study does not use.

Tasks besides segmentation, the rivals of the papers' losses and refinement have some seventy
fields, which are at their defaults in nearly every study. A line leaves these out where they are,
and reading it brings them back. Lines of versions without such fields are read as they are.
"""

from collections.abc import Mapping
from functools import cache

from trainables.config import TrialConfig, Value, flatten
from trainables.config.later_fields import later_fields

_TASK = "task/"
_OF_TASKS = ("data/moves", "eval/edge_thresholds")
_FIRST = "data/targets"
"""Every version that leaves fields out writes this one."""


@cache
def _defaults() -> Mapping[str, Value]:
    """By path, the defaults of the fields that are left out."""
    declared = flatten(TrialConfig())
    of_tasks = [path for path in declared if path.startswith(_TASK) or path in _OF_TASKS]
    return {**{path: declared[path] for path in of_tasks}, **later_fields()}


def shortened(config: Mapping[str, Value]) -> dict[str, Value]:
    """A config by path, without those of these fields that are at their defaults."""
    left_out = _defaults()
    return {
        path: value
        for path, value in config.items()
        if path not in left_out or value != left_out[path]
    }


def completed(config: Mapping[str, object]) -> dict[str, object]:
    """What ``shortened`` was given, in its order."""
    if _FIRST not in config:
        return dict(config)
    whole: dict[str, object] = {**_defaults(), **config}
    declared = [path for path in flatten(TrialConfig()) if path in whole]
    return {path: whole[path] for path in dict.fromkeys([*declared, *whole])}
