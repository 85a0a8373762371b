"""One entry of a plug-in's table: the names that it takes, and its parameters."""

import inspect
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from typing import Any, TypeVar

from trainables.config import Value
from trainables.config.plugin_fields import PLUGIN

_Entry = TypeVar("_Entry")
_removals = ExitStack()
"""Takes the plug-in's entries out of the tables again, last in, first out."""


def add(table: MutableMapping[str, _Entry], name: str, entry: _Entry) -> None:
    """Put an entry of the plug-in into a table, until the plug-in is uninstalled.

    Raises:
        ValueError: the table has an entry of that name.
    """
    if name in table:
        raise ValueError(f"{name!r} is Edgewise's own name; have {', '.join(sorted(table))}")
    table[name] = entry
    _removals.callback(table.pop, name)


def set_aside(table: MutableMapping[str, _Entry], name: str) -> None:
    """Take Edgewise's own entry out of a table, until the plug-in is uninstalled."""
    _removals.callback(table.__setitem__, name, table.pop(name))


def remove_all() -> None:
    """Remove the plug-in's entries from all tables."""
    _removals.close()


def add_fields(section: str, kind: type, defaults: Mapping[str, Value]) -> None:
    """Add fields with their defaults to a section of the config, whose class is ``kind``.

    Raises:
        ValueError: the section has a field of that name.
    """
    known = {field.name for field in fields(kind)} | PLUGIN.fields_of(section).keys()
    for name, value in defaults.items():
        if name in known:
            raise ValueError(f"{section}/{name} is a config field already")
        add(PLUGIN.fields_of(section), name, value)


def named(name: str, defaults: Mapping[str, Value]) -> dict[str, Value]:
    """The parameters of an entry by the names of their config fields."""
    return {f"{name}_{key}": value for key, value in defaults.items()}


# What it takes and returns only a call can show.
def callable_of(entry: object) -> Callable[..., Any]:
    """The entry, if it can be called."""
    if not callable(entry):
        raise ValueError(f"must be a function or a class, got {entry!r}")
    return entry


def parameters_of(function: Callable[..., object], takes: Sequence[str]) -> dict[str, Value]:
    """The keyword-only parameters of a function with their defaults, which give their types.

    Args:
        takes: what it takes besides, in words.

    Raises:
        ValueError: it takes another number of arguments, or a parameter has no plain default.
    """
    found: dict[str, Value] = {}
    signature = inspect.signature(function).parameters.values()
    free = [parameter for parameter in signature if parameter.kind != parameter.KEYWORD_ONLY]
    if len(free) != len(takes):
        wanted = f"({', '.join(takes)}, *, ...)"
        raise ValueError(f"must take {wanted}, got {inspect.signature(function)}")
    for parameter in signature:
        if parameter.kind == parameter.KEYWORD_ONLY:
            if not isinstance(parameter.default, Value):
                raise ValueError(
                    f"{parameter.name} must have a default that is a number, a text, True or False"
                )
            found[parameter.name] = parameter.default
    return found
