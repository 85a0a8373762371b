"""Checks a JSON value against the type of the field that it is for.

A ledger may have been changed by hand or by a disk. A value of another type would otherwise end in
an error far from its line, or in a wrong figure.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

Check = Callable[[object], bool]
_LARGEST = 2**63
"""Of an integer; a larger one overflows where it becomes a float or a column of a table."""
_SHOWN = 60
"""Characters of a wrong value in a message."""


@cache
def field_checks(kind: type) -> dict[str, Check]:
    """A dataclass's fields with the check of each."""
    hints = get_type_hints(kind)
    return {field.name: _check_of(hints[field.name]) for field in fields(kind)}


def require_types(kind: type, values: Mapping[str, object]) -> None:
    """Raise a TypeError if a value does not have the type of its field."""
    checks = field_checks(kind)
    for name, value in values.items():
        if not checks[name](value):
            wanted, shown = get_type_hints(kind)[name], repr(value)[:_SHOWN]
            wanted = wanted.__name__ if isinstance(wanted, type) else str(wanted)
            raise TypeError(f"{name} must be {wanted}, got {shown}")


def _check_of(kind: object) -> Check:
    simple: dict[object, Check] = {float: _is_float, int: _is_int, str: _is_str}
    if kind in simple:
        return simple[kind]
    arguments = get_args(kind)
    match get_origin(kind):
        case None:
            wanted = NoneType if kind is None else kind
            assert isinstance(wanted, type), kind
            return lambda value: isinstance(value, wanted)
        case origin if origin is Literal:
            return lambda value: type(value) is str and value in arguments
        case origin if origin in (Union, UnionType):
            checks = [_check_of(argument) for argument in arguments]
            return lambda value: any(check(value) for check in checks)
        case origin:
            assert isinstance(origin, type)
            return _container(origin, arguments)


def _container(origin: type, arguments: tuple[object, ...]) -> Check:
    if issubclass(origin, Mapping):
        key, inner = (_check_of(argument) for argument in arguments)
        return lambda found: (
            isinstance(found, Mapping)
            and all(key(name) and inner(value) for name, value in found.items())
        )
    each = _check_of(arguments[0])
    return lambda found: isinstance(found, list | tuple) and _all(each, found)


def _all(check: Check, values: Iterable[object]) -> bool:
    return all(check(value) for value in values)


def _is_float(value: object) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return _is_int(value)


def _is_int(value: object) -> bool:
    return type(value) is int and -_LARGEST < value < _LARGEST


def _is_str(value: object) -> bool:
    return isinstance(value, str)
