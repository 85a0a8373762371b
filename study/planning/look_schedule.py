"""When a study looks at its cells: what ``--seeds`` says beside a number."""

import re

from trainables.config import refused

ALLOWED = "N, A..B (looks at A, halfway and B) or ascending looks A,B,..."


def seeds_and_looks(given: int | str) -> tuple[int, tuple[int, ...]]:
    """The number of seeds, and after how many the study looks; no looks for a plain number.

    Raises:
        ValueError: it is none of ``ALLOWED``.
    """
    text = str(given).strip()
    if re.fullmatch(r"-?\d+", text):
        if int(text) < 1:
            raise ValueError(f"--seeds must be >= 1, got {int(text)}")
        return int(text), ()
    if span := re.fullmatch(r"(\d+)\.\.(\d+)", text):
        first, last = map(int, span.groups())
        looks = [first, *({(first + last) // 2} - {first, last}), last]
    elif re.fullmatch(r"\d+(,\d+)+", text):
        looks = [int(part) for part in text.split(",")]
    else:
        raise refused("--seeds", ALLOWED, given)
    if looks[0] < 1 or sorted(set(looks)) != looks:
        raise refused("--seeds", ALLOWED, given)
    return looks[-1], tuple(looks)
