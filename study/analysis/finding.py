"""What the health of a study has found, and what to do about it."""

from typing import NamedTuple

from trainables.metrics.catalog import METRICS


class Finding(NamedTuple):
    """One finding. Both texts begin in lower case and have no full stop."""

    seen: str
    """What was seen, with its figures."""
    advice: str
    """What to do."""

    def __str__(self) -> str:
        return f"{_sentence(self.seen)} {_sentence(self.advice)}"


def _sentence(text: str) -> str:
    # A path of the config keeps its letters.
    first = text if "/" in text.split()[0] else text[0].upper() + text[1:]
    return f"{first}."


def figure(metric: str, value: float) -> str:
    """A metric's figure in a finding, with its unit."""
    fraction = METRICS[metric].unit == "fraction"
    return f"{100 * value:.2f} %" if fraction else f"{value:.3f}"
