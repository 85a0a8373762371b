"""The one-line errors that a user reads about a config field."""

from collections.abc import Mapping
from typing import Literal, TypeVar, get_args, get_origin, get_type_hints

from trainables.config.plugin_fields import PLUGIN, Value

_Name = TypeVar("_Name", bound=str)

# Every new config needs the hints, and get_type_hints() evaluates them each time.
_hints: dict[type, Mapping[str, object]] = {}


def hints_of(section: type) -> Mapping[str, object]:
    """The type of each field of a config section."""
    if section not in _hints:
        _hints[section] = get_type_hints(section)
    return _hints[section]


def refused(name: str, allowed: str, got: object) -> ValueError:
    """The one-line error that a user reads: the field or argument, what is allowed, the value."""
    return ValueError(f"{name} must be {allowed}, got {got!r}")


def require(condition: bool, name: str, allowed: str, got: object) -> None:
    """Raise ``refused(name, allowed, got)`` unless the condition holds."""
    if not condition:
        raise refused(name, allowed, got)


def names_in_order(field: str, text: str, known: tuple[_Name, ...]) -> tuple[_Name, ...]:
    """The names of a list such as ``depth,normals``; "": none.

    Raises:
        ValueError: an unknown name, one given twice, or another order than that of ``known``.
    """
    names = tuple(name for name in known if name in text.split(","))
    require(text == ",".join(names), field, f"'' or some of {','.join(known)}, in this order", text)
    return names


def require_choices(section: object, prefix: str) -> None:
    """Check every Literal field of a config section against its choices."""
    for name, hint in hints_of(type(section)).items():
        if get_origin(hint) is Literal:
            allowed, value = get_choices(type(section), name), getattr(section, name)
            words = "one of " + ", ".join(map(str, allowed))
            require(value in allowed, f"{prefix}/{name}", words, value)


def get_choices(section: type, name: str) -> tuple[Value, ...]:
    """The values that a Literal field allows, including the plug-in's."""
    added = PLUGIN.choices(section.__name__, name)
    return tuple(dict.fromkeys((*get_args(hints_of(section)[name]), *added)))
