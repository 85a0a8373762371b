"""Counts and numbers in messages."""


def counted(count: int, one: str, many: str = "") -> str:
    """``1 trial``, ``2 trials``; ``many`` is the plural where it is not ``one`` with an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def zero_without_sign(number: str) -> str:
    """A formatted number, but ``0.00`` for ``-0.00`` and ``+0.00``."""
    return number if float(number) else number.lstrip("+-")
