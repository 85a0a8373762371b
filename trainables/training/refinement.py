"""What refines a network's predictions of the test list, made with the trained network at hand."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from trainables.config import Value
from trainables.refinement.refine import Refine
from trainables.training.training import Training


class Refinement(NamedTuple):
    """A refinement, and what of it the validation list has decided."""

    refine: Refine | None = None
    """None: the network's own predictions."""
    chosen: Mapping[str, Value] = {}
    """Config fields, by path, with which ``refine`` is made without a choice."""
    value: float | None = None
    """The objective on the validation list with them; None if nothing was chosen."""


class RefinementError(ValueError):
    """A network's refinement cannot be made; the message is one line."""


Prepare = Callable[[Training], Refinement]
"""Makes the refinement of a restored network, or raises a ValueError of one line."""


def none(training: Training) -> Refinement:
    """No refinement."""
    return Refinement()
