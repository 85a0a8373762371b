"""The files of weights that a study's trials start from: usable, and the same after a resume."""

from collections.abc import Mapping
from pathlib import Path

from search_spaces import Space
from study.ledger.plan import Plan
from study.planning.runs import grid_runs, searched_dimensions
from trainables.config import from_flat, require
from trainables.config.trial_id import NAMED_WEIGHTS, weights_content
from trainables.networks.weights import read_state

_PATHS = ("model/weights", "model/init")


def check_weights(plan: Plan, space: Space) -> None:
    """Check every file of weights that a trial may start from.

    Raises:
        ValueError: one is no weights file, or its network has no backbone that could take it.
    """
    for config in (plan.config, *(from_flat(run.config) for run in grid_runs(plan))):
        model = config.model
        if model.network == "tiny":
            allowed = "none with the network tiny, which has no backbone"
            require(model.weights == "none", "model/weights", allowed, model.weights)
    for path in _PATHS:
        for file in _named(plan, space, path):
            read_state(Path(file).expanduser(), path)


def contents(plan: Plan, space: Space) -> dict[str, str]:
    """By file of weights that a trial may start from, a name of its content."""
    return {file: weights_content(file) for file in _files(plan, space)}


def require_same_weights(flag: str, earlier: Mapping[str, str]) -> None:
    """Check that files of weights still have the content of the first run.

    Args:
        flag: the option that continues it.
        earlier: as ``contents`` gave it then.

    Raises:
        ValueError: one has another content, or is gone; the line names the file and both hashes.
    """
    for file, content in earlier.items():
        if (now := weights_content(file)) != content:
            raise ValueError(
                f"initial weights: {flag} needs {file} as the first run had it: {content}, got "
                f"{now if now.startswith('sha256:') else 'no file that can be read'}"
            )


def _files(plan: Plan, space: Space) -> list[str]:
    return list(dict.fromkeys(name for path in _PATHS for name in _named(plan, space, path)))


def _named(plan: Plan, space: Space, path: str) -> list[str]:
    """The files that one field may name."""
    configs = [plan.base, *(run.config for run in grid_runs(plan))]
    named = [str(config.get(path, "")) for config in configs]
    for dimension in searched_dimensions(plan, space):
        if dimension.path == path:
            named += [str(value) for value in getattr(dimension.distribution, "choices", ())]
    return [name for name in dict.fromkeys(named) if name not in NAMED_WEIGHTS]
