"""The one-line errors that a user reads about an option."""


def require(condition: bool, option: str, allowed: str, value: object) -> None:
    """Raise a ValueError that names the option, what is allowed and the value."""
    if not condition:
        raise ValueError(f"{option} must be {allowed}, got {value!r}")
