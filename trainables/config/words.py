"""Counts in messages."""


def counted(count: int, one: str, many: str = "") -> str:
    """``1 trial``, ``2 trials``; ``many`` is the plural where it is not ``one`` with an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
