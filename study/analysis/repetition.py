"""How equal a repeated or resumed training is to the first one, by device and config."""

from study.ledger.plan import Plan
from trainables.config.optim import REPEATED_WITHIN


def is_exact(plan: Plan) -> bool:
    """Whether the same trial gives the same figures to the last bit, on one device and software."""
    return not plan.gpus_per_worker or bool(plan.base.get("optim/deterministic"))


def is_within(old: float | None, new: float | None) -> bool:
    """Whether two figures are equal as far as a GPU repeats them."""
    if old is None or new is None:
        return old is new
    return abs(old - new) <= REPEATED_WITHIN * max(abs(old), REPEATED_WITHIN)


def described(plan: Plan) -> str:
    """What equal means for this plan, in words."""
    if not plan.gpus_per_worker:
        return "equal to the last bit on the same machine and software"
    if is_exact(plan):
        return "equal to the last bit on the same card and software (optim/deterministic)"
    return f"equal within {REPEATED_WITHIN:g} of the value, on GPUs without optim/deterministic"
