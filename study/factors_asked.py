"""A grid of one's own from the command line: ``--factor loss/beta=0,0.5,1 --mode full``."""

import argparse

from search_spaces.grid import MODES, Factor, Grid, check_factors
from study.options import choice
from trainables.config import parse

_DEFAULT_MODE = "one-at-a-time"
_WHEN = " when "
MODES_ASKED = {name.replace("_", "-").replace("full-factorial", "full"): name for name in MODES}
"""As they are typed: the grammar of ``grid_file.py``."""


def read(options: argparse.Namespace) -> Grid | None:
    """The grid of all ``--factor``; None without one.

    A factor is ``PATH=OFF,ON,...``: the baseline has the first value, each other one is a level.
    With one value alone the baseline has what it has without it. ``PATH=OFF,ON when NAME`` applies
    only where the factor NAME is on.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    if not options.factor:
        if options.mode is not None:
            raise ValueError("--mode goes with --factor: a file has its own")
        return None
    if options.grid is not None:
        raise ValueError("--factor cannot be given with --grid: either has its own cells")
    mode = choice("--mode", options.mode or _DEFAULT_MODE, list(MODES_ASKED))
    base: dict[str, bool | int | float | str] = {}
    paths = [text.partition("=")[0] for text in options.factor]
    factors = [_factor(text, paths, base) for text in options.factor]
    check_factors(factors)
    cells = MODES[MODES_ASKED[mode]](factors, base)
    return Grid(
        name=mode, source="--factor " + " --factor ".join(options.factor), cells=cells,
        question=f"What {'does' if len(factors) == 1 else 'do'} "
                 f"{', '.join(factor.name for factor in factors)} change?",
        baseline=cells[0].name,
    )  # fmt: skip


def _factor(text: str, paths: list[str], base: dict[str, bool | int | float | str]) -> Factor:
    """One factor; its first value of several goes to ``base``."""
    asked, _, when = text.partition(_WHEN)
    path, equals, listed = asked.partition("=")
    values = [value.strip() for value in listed.split(",")]
    if not equals or not all(values) or len(set(values)) < len(values):
        raise ValueError(f"--factor must be PATH=VALUE,VALUE,... of different values, got {text!r}")
    if paths.count(path) > 1:
        raise ValueError(f"--factor must name each path once, got {path} twice")
    short = path.rpartition("/")[2]
    alone = sum(other.rpartition("/")[2] == short for other in paths) == 1
    if len(values) > 1:
        base[path] = parse(path, values.pop(0))
    levels = {value: {path: parse(path, value)} for value in values}
    return Factor(name=short if alone else path, levels=levels, when=when.strip())
