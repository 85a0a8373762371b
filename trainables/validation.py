"""The one-line errors that a user reads about a config field."""

from typing import Any, Literal, get_args, get_origin, get_type_hints


def require(condition: bool, path: str, allowed: str, value: object) -> None:
    """Raise the one-line error that a user reads: the field, what is allowed, the value."""
    if not condition:
        raise ValueError(f"{path} must be {allowed}, got {value!r}")


def require_choices(part: Any, prefix: str) -> None:
    """Check every Literal field of a config part against its choices."""
    for name, hint in get_type_hints(type(part)).items():
        if get_origin(hint) is Literal:
            allowed = "one of " + ", ".join(map(str, get_args(hint)))
            require(
                getattr(part, name) in get_args(hint),
                f"{prefix}/{name}",
                allowed,
                getattr(part, name),
            )
