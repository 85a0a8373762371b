"""The one-line errors that a user reads about a config field."""

from typing import Any, Literal, get_args, get_origin, get_type_hints

from trainables.config import plugin_fields

Value = bool | int | float | str
"""What a config field may hold."""


_hints: dict[type, dict[str, Any]] = {}


def hints_of(part: type) -> dict[str, Any]:
    """A class's fields and their types, worked out once: a config asks for them all the time."""
    if part not in _hints:
        _hints[part] = get_type_hints(part)
    return _hints[part]


def refused(name: str, allowed: str, got: object) -> ValueError:
    """The one-line error that a user reads: the field or argument, what is allowed, the value."""
    return ValueError(f"{name} must be {allowed}, got {got!r}")


def require(condition: bool, name: str, allowed: str, got: object) -> None:
    """Raise ``refused(name, allowed, got)`` unless the condition holds."""
    if not condition:
        raise refused(name, allowed, got)


def require_choices(part: Any, prefix: str) -> None:
    """Check every Literal field of a config part against its choices."""
    for name, hint in hints_of(type(part)).items():
        if get_origin(hint) is Literal:
            allowed, value = get_choices(type(part), name), getattr(part, name)
            words = "one of " + ", ".join(map(str, allowed))
            require(value in allowed, f"{prefix}/{name}", words, value)


def get_choices(part: type, name: str) -> tuple[Value, ...]:
    """The values that a Literal field allows, with the networks of a user's own file."""
    added = plugin_fields.NETWORKS if (part.__name__, name) == ("ModelConfig", "network") else ()
    return (*get_args(hints_of(part)[name]), *added)
