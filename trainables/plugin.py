"""Plug-ins: one Python file of the user's that adds losses, datasets, networks ... to a study.

The file defines plain names, each a table: ``LOSSES``, ``DATASETS``, ``NETWORKS``, ``FEATURES`` (of
its networks), and those of ``plugin_training.py``. (``SPACES`` and ``GRIDS`` are read by
``study/planning/plugin.py``.) Its text travels with the study: to every worker and into the ledger;
its digest is part of each trial's
identity. A loss is a function

    def focal(prediction, target, *, power: float = 2.0) -> LossTerm: ...

and ``LOSSES = {"focal": focal}`` makes ``loss/focal`` its weight (0 until it is set) and
``loss/focal_power`` its parameter. A loss that uses the boundary head is also named in
``BOUNDARY_HEAD = ("mine",)``.
"""

import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from trainables.config import LossConfig, ModelConfig, refused, require
from trainables.config.model import LATER
from trainables.config.pixels import RGB, Pixels
from trainables.config.plugin_fields import PLUGIN
from trainables.config.tasks import NetworkTasks
from trainables.data import LAYOUTS
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.check import try_loss
from trainables.losses.term import LossTerm
from trainables.losses.terms import TERMS, Term
from trainables.networks.catalog import NETWORKS
from trainables.networks.first_layer import built
from trainables.plugin_entry import (
    add,
    add_fields,
    callable_of,
    named,
    parameters_of,
    remove_all,
    set_aside,
)
from trainables.plugin_file import Plugin, line_of, located, where
from trainables.plugin_training import (
    add_augmentation,
    add_metric,
    add_optimizer,
    add_schedule,
)

_MODULE = "own_parts"
"""The plug-in's name in ``sys.modules`` and in tracebacks."""
TABLES = (
    *("LOSSES", "DATASETS", "NETWORKS", "FEATURES"),
    *("METRICS", "OPTIMIZERS", "SCHEDULES", "AUGMENTATIONS", "SPACES", "GRIDS"),
)


@dataclass
class _Installed:
    """The plug-in of this process, if any, and how to remove what it added."""

    plugin: Plugin | None = None
    module: ModuleType | None = None


_installed = _Installed()


def installed() -> Plugin | None:
    """The plug-in that is installed in this process."""
    return _installed.plugin


def uninstall() -> None:
    """Remove the plug-in's entries from all tables."""
    remove_all()
    PLUGIN.clear()
    _installed.plugin = _installed.module = None


def install(plugin: Plugin) -> ModuleType:
    """Add the plug-in's losses, datasets and networks, and remove those of any other plug-in.

    Raises:
        ValueError: one line with the file and the line in it.
    """
    if _installed.plugin == plugin and _installed.module is not None:
        return _installed.module
    uninstall()
    module = _run(plugin)
    try:
        PLUGIN.digest = plugin.digest
        _installed.plugin, _installed.module = plugin, module
        for table, add_entry in _ADDERS.items():
            for name, entry in table_of(plugin, module, table).items():
                with located(plugin, table, name, entry):
                    add_entry(plugin, module, name, entry)
    except ValueError:
        uninstall()
        raise
    return module


def _run(plugin: Plugin) -> ModuleType:
    """Execute the text as a module whose tracebacks show its lines."""
    # The text may come from a ledger, so there is no file from which to read its lines.
    lines = plugin.text.splitlines(keepends=True)
    linecache.cache[plugin.name] = (len(plugin.text), None, lines, plugin.name)
    module = ModuleType(_MODULE, f"The plug-in {plugin.name}.")
    # Dataclasses and pickle look a class's module up by its name.
    sys.modules[_MODULE] = module
    try:
        exec(compile(plugin.text, plugin.name, "exec"), module.__dict__)
    except SyntaxError as error:
        raise ValueError(f"--with {plugin.name}:{error.lineno}: {error.msg}") from None
    except Exception as error:
        raise ValueError(f"--with {where(plugin, error)}") from None
    return module


def table_of(plugin: Plugin, module: ModuleType, table: str) -> dict[str, object]:
    """One of the plug-in's tables; empty where the file does not define it."""
    found = getattr(module, table, {})
    if not isinstance(found, dict) or not all(str(name).isidentifier() for name in found):
        raise ValueError(
            f"--with {plugin.name}:{line_of(plugin, table)}: {table} must be a mapping "
            f"of names (letters, digits, _) to parts, got {found!r}"
        )
    return found


def _add_dataset(plugin: Plugin, module: ModuleType, name: str, layout: object) -> None:
    add(LAYOUTS, name, callable_of(layout))


def _add_network(plugin: Plugin, module: ModuleType, name: str, build: object) -> None:
    network: Callable[..., Any] = partial(_build, plugin, name, callable_of(build))
    if name in LATER:  # older plug-ins, which lie in ledgers, have networks of their own there
        set_aside(NETWORKS, name)
    add(NETWORKS, name, network)
    PLUGIN.networks.append(name)


def _add_features(plugin: Plugin, module: ModuleType, name: str, layer: object) -> None:
    """The layer of a network of this plug-in whose output a boundary head reads."""
    require(name in PLUGIN.networks, f"FEATURES/{name}", "a network of NETWORKS", name)
    if not isinstance(layer, str):
        raise refused(f"FEATURES/{name}", "the path of a layer, such as decoder.block3", layer)
    add(PLUGIN.features, name, layer)


def _build(
    plugin: Plugin,
    name: str,
    build: Callable[..., object],
    config: ModelConfig,
    num_classes: int,
    pixels: Pixels = RGB,
    tasks: NetworkTasks | None = None,
) -> object:
    """Call the plug-in's constructor; report its errors with the line in the user's file."""
    with located(plugin, "NETWORKS", name, build):
        return built(build, config, num_classes, pixels, tasks)


def _add_loss(plugin: Plugin, module: ModuleType, name: str, entry: object) -> None:
    """The term, its weight ``loss/NAME`` and its parameters ``loss/NAME_PARAMETER``."""
    loss = callable_of(entry)
    defaults = parameters_of(loss, ("prediction", "target"))
    add_fields("loss", LossConfig, {name: 0.0} | named(name, defaults))
    PLUGIN.parameters["LOSSES", name] = tuple(defaults)
    PLUGIN.weights.append(name)
    head = name in getattr(module, "BOUNDARY_HEAD", ())
    term = Term(
        partial(_weight, name),
        partial(_compute, loss, name, tuple(defaults)),
        rule=name,
        head=lambda config: head,
    )
    add(TERMS, name, term)
    try_loss(loss)


_ADDERS: dict[str, Callable[[Plugin, ModuleType, str, object], None]] = {
    "LOSSES": _add_loss,
    "DATASETS": _add_dataset,
    "NETWORKS": _add_network,
    "FEATURES": _add_features,
    "METRICS": add_metric,
    "OPTIMIZERS": add_optimizer,
    "SCHEDULES": add_schedule,
    "AUGMENTATIONS": add_augmentation,
}


def _weight(name: str, config: LossConfig) -> float:
    return float(config.plugin_field(name))


def _compute(
    loss: Callable[..., LossTerm],
    name: str,
    keys: tuple[str, ...],
    config: LossConfig,
    prediction: Prediction,
    target: Target,
    learned: Learned,
) -> LossTerm:
    return loss(prediction, target, **{key: config.plugin_field(f"{name}_{key}") for key in keys})
