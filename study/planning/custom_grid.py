"""A user's own grid, from a small YAML file or from ``--factor``: a baseline and what varies."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from search_spaces.factors import MODES, Factor, check_factors
from search_spaces.grid import Cell, Changes, Grid
from study.planning.request import StudyRequest, choice
from trainables.config import Value, parse, refused, type_of

_KEYS = {"name", "question", "baseline", "mode", "factors", "cells"}


def grid_from_file(path: Path) -> Grid:
    """The grid of a file such as::

        question: What does each term add?
        baseline: {loss/lovasz: 1.0}
        mode: one_at_a_time
        factors:
          abl: {loss/w_a: 1.0}
          theta: {when: abl, levels: {"5": {loss/theta: 5.0}, "20": {loss/theta: 20.0}}}

    A factor is its changes (a switch), or levels with an optional condition. With ``cells``
    (name to changes, the first being the baseline) there are no factors and no mode; a cell with
    ``after: NAME`` among its changes starts from the trained network of that earlier cell.

    Raises:
        ValueError: one line that names the file, the key, what is allowed and what it got.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ValueError(
            f"--grid must be a file that can be read, got {str(path)!r}: {error.strerror}"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # A YAML error spans several lines; the command prints one.
        reason = " ".join(str(error).split())
        raise ValueError(f"--grid {path} must be YAML, got: {reason}") from None
    try:
        return _file_grid(_mapping("the file", content), path.stem)
    except ValueError as error:
        raise ValueError(f"--grid {path}: {error}") from None


def _file_grid(content: dict[str, object], stem: str) -> Grid:
    unknown = sorted(set(map(str, content)) - _KEYS)
    if unknown:
        raise ValueError(f"keys must be among {', '.join(sorted(_KEYS))}, got {unknown[0]!r}")
    cells = _cells(content) if "cells" in content else _from_factors(content)
    return Grid(
        name=str(content.get("name", stem)),
        source="your own grid",
        cells=cells,
        question=str(content.get("question", f"What does {stem} change?")),
        baseline=cells[0].name,
    )


def _cells(content: dict[str, object]) -> tuple[Cell, ...]:
    if "mode" in content or "factors" in content:
        raise ValueError("cells come without mode and factors")
    base = _changes("baseline", content.get("baseline") or {})
    named = _mapping("cells", content["cells"])
    if not named:
        raise ValueError("cells must hold one cell or more, got none")
    return tuple(_cell(name, changes or {}, base) for name, changes in named.items())


def _cell(name: str, content: object, base: Changes) -> Cell:
    changes = _mapping(f"cells/{name}", content)
    after = changes.pop("after", "")
    if not isinstance(after, str):
        raise refused(f"cells/{name}/after", "the name of a cell", after)
    return Cell(name=name, changes={**base, **_changes(f"cells/{name}", changes)}, after=after)


def _from_factors(content: dict[str, object]) -> tuple[Cell, ...]:
    mode = content.get("mode")
    if mode not in MODES:
        raise refused("mode", f"one of {', '.join(MODES)}", mode)
    named = _mapping("factors", content.get("factors"))
    factors = [_file_factor(name, value) for name, value in named.items()]
    check_factors(factors)
    return MODES[mode](factors, _changes("baseline", content.get("baseline") or {}))


def _file_factor(name: str, value: object) -> Factor:
    given = _mapping(f"factors/{name}", value)
    if "levels" not in given:
        return Factor(name=name, levels={name: _changes(f"factors/{name}", given)})
    levels = _mapping(f"factors/{name}/levels", given["levels"])
    named = {
        level: _changes(f"factors/{name}/levels/{level}", changes)
        for level, changes in levels.items()
    }
    return Factor(name=name, levels=named, when=str(given.get("when", "")))


def _changes(where: str, value: object) -> Changes:
    changes: dict[str, Value] = {}
    for path, given in _mapping(where, value).items():
        type_of(
            path
        )  # refuses an unknown path: only a paper's table may name a field that is planned
        if not isinstance(given, bool | int | float | str):
            raise refused(f"{where}/{path}", "a number, a text, true or false", given)
        changes[path] = given
    return changes


def _mapping(where: str, value: object) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise refused(where, "a mapping", value)
    return {str(key): inner for key, inner in value.items()}


_DEFAULT_MODE = "one-at-a-time"
_WHEN = " when "
MODE_OPTIONS = {name.replace("_", "-").replace("full-factorial", "full"): name for name in MODES}
"""The modes of ``--mode``, by the names that a YAML file uses."""


def grid_from_factors(request: StudyRequest) -> Grid | None:
    """The grid that the ``--factor`` options define; None if there are none.

    A factor is ``PATH=OFF,ON,...``: the baseline has the first value, each other one is a level.
    With a single value, the baseline keeps the value of the base config. ``PATH=OFF,ON when NAME``
    applies only where the factor NAME is on.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    if not request.factor:
        if request.mode is not None:
            raise ValueError("--mode goes with --factor: a file has its own")
        return None
    if request.grid is not None:
        raise ValueError("--factor cannot be given with --grid: either has its own cells")
    mode = choice("--mode", request.mode or _DEFAULT_MODE, list(MODE_OPTIONS))
    base: dict[str, Value] = {}
    paths = [text.partition("=")[0] for text in request.factor]
    factors = [_option_factor(text, paths, base) for text in request.factor]
    check_factors(factors)
    cells = MODES[MODE_OPTIONS[mode]](factors, base)
    return Grid(
        name=mode,
        source="--factor " + " --factor ".join(request.factor),
        cells=cells,
        question=f"What {'does' if len(factors) == 1 else 'do'} "
        f"{', '.join(factor.name for factor in factors)} change?",
        baseline=cells[0].name,
    )


def _option_factor(text: str, paths: list[str], base: dict[str, Value]) -> Factor:
    """Parse one factor; the first of several values goes to ``base``."""
    levels_text, _, when = text.partition(_WHEN)
    path, equals, listed = levels_text.partition("=")
    values = [value.strip() for value in listed.split(",")]
    if not equals or not all(values) or len(set(values)) < len(values):
        raise refused("--factor", "PATH=VALUE,VALUE,... of different values", text)
    if paths.count(path) > 1:
        raise ValueError(f"--factor must name each path once, got {path} twice")
    short = path.rpartition("/")[2]
    unique = sum(other.rpartition("/")[2] == short for other in paths) == 1
    if len(values) > 1:
        base[path] = parse(path, values.pop(0))
    levels = {value: {path: parse(path, value)} for value in values}
    return Factor(name=short if unique else path, levels=levels, when=when.strip())
