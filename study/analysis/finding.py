"""What the health of a study has found, and what to do about it."""

from typing import NamedTuple


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
