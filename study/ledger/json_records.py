"""Dataclasses to JSON objects and back, and what JSON cannot hold."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TypeVar

Json = dict[str, object]
_Record = TypeVar("_Record")


def mapping(kept: object) -> dict[str, object]:
    """A JSON object, or a TypeError."""
    if not isinstance(kept, Mapping):
        raise TypeError(f"must be an object, got {kept!r}")
    return dict(kept)


def build(kind: type[_Record], kept: object) -> _Record:
    """A dataclass from a JSON object with its field names; keys that it does not know are ignored.

    Raises:
        TypeError: the object lacks a field that has no default, or is no object.
    """
    assert isinstance(kind, type)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{key: value for key, value in mapping(kept).items() if key in known})


def plain(value: object) -> object:
    """The same value with JSON objects for dataclasses."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def clean(value: object) -> object:
    """The same value in strict JSON: NaN and infinity become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    return value
