"""``--with my_parts.py``: a user's plug-in of losses, datasets, networks, spaces and grids."""

from collections.abc import Sequence
from pathlib import Path

import optuna

from search_spaces import OWN_GRIDS, SPACES, Grid, Space
from study.ledger.plan import Plan
from study.planning.plugin_files import joined
from study.planning.trust import agree, require_agreed
from trainables import plugin
from trainables.config import TrialConfig
from trainables.plugin import TABLES, Plugin

_DRAWS = 5
"""Test draws from a new space: a wrong dimension would otherwise fail trial by trial."""


def read_plugin(path: str) -> Plugin:
    """Read a plug-in. Its name is kept without the folder, which is not part of a study.

    Raises:
        ValueError: the file cannot be read.
    """
    try:
        return Plugin(Path(path).name, Path(path).expanduser().read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(
            f"--with must be a Python file that can be read, got {path!r}: {reason}"
        ) from None


def install_given(paths: Sequence[str]) -> None:
    """Install the files that the user gives to ``--with``, which is consent to execute them.

    Raises:
        ValueError: a file cannot be read, or one line with what is wrong in it.
    """
    given = joined([read_plugin(path) for path in paths])
    agree(given)
    install_all(given)


def install_all(file: Plugin) -> None:
    """Add everything that the plug-in defines, and remove any other plug-in.

    Raises:
        ValueError: one line with the file, the line in it and what is wrong.
    """
    if plugin.installed() == file:
        return
    module = plugin.install(file)
    try:
        for name, space in plugin.table_of(file, module, "SPACES").items():
            with plugin.located(file, "SPACES", name):
                _add_space(name, space)
        for name, grid in plugin.table_of(file, module, "GRIDS").items():
            with plugin.located(file, "GRIDS", name):
                _add_grid(name, grid)
        if not any(getattr(module, table, None) for table in TABLES):
            raise ValueError(f"--with {file.name}:1: must define one of {', '.join(TABLES)}")
    except ValueError:
        plugin.uninstall()
        raise


def install_from_plan(plan: Plan, flag: str, trust: bool = False) -> None:
    """Install the plug-in of a ledger's plan, which executes it; do nothing if it has none.

    Args:
        flag: the option that reads the ledger, for the message.
        trust: whether the user agrees to execute it (``--trust``).

    Raises:
        ValueError: this user has not agreed to execute it, or it has a mistake.
    """
    if plan.plugin is not None:
        plugin_text = Plugin(plan.plugin.name, plan.plugin.text)
        require_agreed(plugin_text, flag, trust)
        install_all(plugin_text)


def _add_space(name: str, space: object) -> None:
    """Add a space after a test: a few draws must give valid configs."""
    if not isinstance(space, Space) or space.name != name:
        raise ValueError(f"must be a Space whose name is {name!r}, got {space!r}")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(_DRAWS):
        TrialConfig().changed({**space.base, **space.suggest(study.ask())})
    plugin.add(SPACES, name, space)


def _add_grid(name: str, grid: object) -> None:
    if not isinstance(grid, Grid):
        raise ValueError(f"must be a Grid, got {grid!r}")
    plugin.add(OWN_GRIDS, name, grid)
