"""`--as-published`: network, data, training and evaluation of a paper's table, in one word."""

from dataclasses import replace

from search_spaces import Grid, Setup
from study.planning.request import StudyRequest
from trainables.config import Value, refused

_PAPERS_LISTS = "data/holdout=0"
"""Papers train on the complete list; a setup compares the numbers of images."""
_DECIDED = ("recipe", "dataset", "weights")
"""Options that the setup decides."""


def as_published(request: StudyRequest, grid: Grid | None) -> StudyRequest:
    """The request with what the chosen setup decides; ``--set`` and ``--epochs`` still override.

    Raises:
        ValueError: it goes with no grid, the grid has no such setup or none that can run here, or
            an option contradicts the setup.
    """
    if request.as_published is None:
        return request
    if grid is None:
        raise ValueError("--as-published goes with --grid: a search has no published setup")
    for name in _DECIDED:
        if getattr(request, name) is not None:
            raise ValueError(f"--{name} cannot be given with --as-published, which decides it")
    setup = _chosen(request.as_published, grid)
    kept = {"model/init"} if request.init is not None else set[str]()
    decided = [f"{path}={_text(value)}" for path, value in setup.config.items() if path not in kept]
    changes = [_PAPERS_LISTS, *decided, *request.changes]
    return replace(request, recipe=setup.recipe, changes=changes)


def _chosen(name: str, grid: Grid) -> Setup:
    """The named setup, or the first that can be measured here, or else trained here."""
    known = {setup.name: setup for setup in grid.setups if setup.recipe}
    if not known:
        lacks = "; ".join(dict.fromkeys(setup.needs for setup in grid.setups if setup.needs))
        why = f"needs {lacks}" if lacks else "it is no paper's table"
        raise ValueError(f"--as-published: --grid {grid.name} has no setup that runs here: {why}")
    if name and name not in known:
        raise refused("--as-published", f"one of {'; '.join(known)}", name)
    measured = [setup for setup in known.values() if not setup.needs]
    return known[name] if name else [*measured, *known.values()][0]


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
