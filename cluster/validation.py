"""One-line errors about an option that a user gave."""


def require(condition: bool, option: str, allowed: str, value: object) -> None:
    """Raise a ValueError that names the option, what is allowed and the value."""
    if not condition:
        raise ValueError(f"{option} must be {allowed}, got {value!r}")
