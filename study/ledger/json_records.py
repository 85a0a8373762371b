"""Conversion between dataclasses and JSON objects."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from study.ledger.json_types import require_types

Json = dict[str, object]
_Record = TypeVar("_Record")


@runtime_checkable
class _Json(Protocol):
    def to_json(self) -> Json: ...


def mapping(value: object) -> dict[str, object]:
    """Return a JSON object as a dict of its own.

    Raises:
        TypeError: it is not an object.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"must be an object, got {value!r}")
    return dict(value)


def build(kind: type[_Record], content: object) -> _Record:
    """Build a dataclass from a JSON object with its field names; other keys are ignored.

    Raises:
        TypeError: a field without a default is missing, a value has another type than its field, or
            the content is not an object.
    """
    assert isinstance(kind, type)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    values = {key: value for key, value in mapping(content).items() if key in known}
    require_types(kind, values)
    return kind(**values)


def plain(value: object) -> object:
    """Replace dataclasses by JSON objects, at any depth; one with ``to_json`` says what it is."""
    if isinstance(value, _Json):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def clean(value: object) -> object:
    """Make a value strict JSON, at any depth: NaN and infinity become null, paths strings.

    Half a character, as in a file name that is not UTF-8, becomes ``?``: no file could hold it.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(clean(str(key))): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    return value
