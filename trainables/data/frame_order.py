"""The order of a film's frames by their names."""

import re

_DIGITS = re.compile(r"(\d+)")


def by_number(name: str) -> tuple[tuple[bool, int, str], ...]:
    """What names are sorted by so that ``frame9`` comes before ``frame10``."""
    return tuple(
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in _DIGITS.split(name)
        if part
    )
