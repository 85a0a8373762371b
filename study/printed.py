"""Single values as a person reads them, in the terminal and in reports alike."""


def percent(value: float | None) -> str:
    """A fraction as people print it; a dash for none."""
    return "-" if value is None else f"{100 * value:.2f}"


def shown(value: object) -> str:
    """A parameter in a table."""
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
