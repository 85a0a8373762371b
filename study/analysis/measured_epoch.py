"""Says after which epoch a study's networks are measured (``eval/checkpoint``)."""

from collections.abc import Mapping
from dataclasses import replace

from study.ledger.plan import Plan
from trainables.config import Value
from trainables.training.best_epoch import both_are_tested

_FIELD = "eval/checkpoint"


def best_counts(plan: Plan) -> bool:
    """Whether networks of best epochs are measured, rather than of last ones alone."""
    return "best" in _modes(plan)


def both_count(plan: Plan) -> bool:
    """Whether the networks of best and of last epochs are tested (``eval/both_checkpoints``)."""
    return both_are_tested(plan.base)


def beside(plan: Plan) -> str:
    """What is tested beside the measured networks, for the plan; "" for nothing."""
    if not both_count(plan):
        return ""
    return f"; the networks {after(flipped(plan))} are tested, too, and decide nothing"


def flipped(plan: Plan) -> Plan:
    """The same plan, measured by the networks beside those that it is measured by, and by no
    others."""
    return replace(plan, base=flipped_config(plan.base))


def flipped_config(config: Mapping[str, Value]) -> dict[str, Value]:
    """The same for a trial's config."""
    other = "last" if config.get(_FIELD) == "best" else "best"
    return {**config, _FIELD: other, "eval/both_checkpoints": False}


def after(plan: Plan) -> str:
    """``after the last epoch``, or after which other one; it was fixed before the first trial."""
    modes = _modes(plan)
    if len(modes) > 1:
        return f"after the epoch that each cell's {_FIELD} says"
    if modes == {"last"}:
        return "after the last epoch"
    return f"after the epoch that is best in {plan.objective} on the validation list"


def chosen_on_the_same(plan: Plan, split: str) -> str:
    """A caveat for figures on the very images that chose the epoch; "" where none is due."""
    if split != "val" or not best_counts(plan):
        return ""
    return " These are the images on which each network's epoch was chosen: the figures flatter."


def _modes(plan: Plan) -> set[str]:
    """``last`` and ``best`` as far as the plan's trials have them; older plans have ``last``."""
    shared = plan.base.get(_FIELD, "last")
    changed = [cell.changes.get(_FIELD, shared) for cell in plan.design.cells]
    return {str(mode) for mode in changed or [shared]}
