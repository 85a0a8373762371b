"""A user's own grid, from a small YAML file: a baseline, factors and a mode, or cells by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from search_spaces.grid import MODES, Cell, Changes, Factor, Grid, check_factors
from trainables.config import type_of

_KEYS = {"name", "question", "baseline", "mode", "factors", "cells"}


def read(path: Path) -> Grid:
    """The grid of a file such as::

        question: What does each term add?
        baseline: {loss/lovasz: 1.0}
        mode: one_at_a_time
        factors:
          abl: {loss/w_a: 1.0}
          theta: {when: abl, levels: {"5": {loss/theta: 5.0}, "20": {loss/theta: 20.0}}}

    A factor is its changes (a switch), or levels with an optional condition. With ``cells``
    (name to changes, the first being the baseline) there are no factors and no mode.

    Raises:
        ValueError: one line that names the file, the key, what is allowed and what it got.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ValueError(f"--grid must be a file that can be read, got {str(path)!r}: "
                         f"{error.strerror}") from None  # fmt: skip
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"--grid {path} must be YAML, got: {reason}") from None
    try:
        return _grid(_mapping("the file", content), path.stem)
    except ValueError as error:
        raise ValueError(f"--grid {path}: {error}") from None


def _grid(content: dict[str, Any], stem: str) -> Grid:
    unknown = sorted(set(map(str, content)) - _KEYS)
    if unknown:
        raise ValueError(f"keys must be among {', '.join(sorted(_KEYS))}, got {unknown[0]!r}")
    cells = _cells(content) if "cells" in content else _from_factors(content)
    return Grid(
        name=str(content.get("name", stem)), source="a grid of one's own", cells=cells,
        question=str(content.get("question", f"What does {stem} change?")),
        baseline=cells[0].name,
    )  # fmt: skip


def _cells(content: dict[str, Any]) -> tuple[Cell, ...]:
    if "mode" in content or "factors" in content:
        raise ValueError("cells come without mode and factors")
    base = _changes("baseline", content.get("baseline") or {})
    named = _mapping("cells", content["cells"])
    if not named:
        raise ValueError("cells must hold one cell or more, got none")
    return tuple(
        Cell(name=name, changes={**base, **_changes(f"cells/{name}", changes or {})})
        for name, changes in named.items()
    )


def _from_factors(content: dict[str, Any]) -> tuple[Cell, ...]:
    mode = content.get("mode")
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    named = _mapping("factors", content.get("factors"))
    factors = [_factor(name, value) for name, value in named.items()]
    check_factors(factors)
    return MODES[mode](factors, _changes("baseline", content.get("baseline") or {}))


def _factor(name: str, value: Any) -> Factor:
    given = _mapping(f"factors/{name}", value)
    if "levels" not in given:
        return Factor(name=name, levels={name: _changes(f"factors/{name}", given)})
    levels = _mapping(f"factors/{name}/levels", given["levels"])
    named = {
        level: _changes(f"factors/{name}/levels/{level}", changes)
        for level, changes in levels.items()
    }
    return Factor(name=name, levels=named, when=str(given.get("when", "")))


def _changes(where: str, value: Any) -> Changes:
    changes = _mapping(where, value)
    for path, given in changes.items():
        type_of(path)  # a paper's table may name what is not there yet, a user's own may not
        if not isinstance(given, bool | int | float | str):
            raise ValueError(f"{where}/{path} must be a number, a text, true or false, "
                             f"got {given!r}")  # fmt: skip
    return changes


def _mapping(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be a mapping, got {value!r}")
    return {str(key): inner for key, inner in value.items()}
