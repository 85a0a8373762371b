"""Plug-ins: one Python file of the user's that adds losses, datasets and networks to a study.

The file defines plain names, each a table: ``LOSSES``, ``DATASETS``, ``NETWORKS``. (``SPACES`` and
``GRIDS`` are read by ``study/planning/plugin.py``.) Its text travels with the study: to every
worker and into the ledger; its digest is part of each trial's identity. A loss is a function

    def focal(prediction, target, *, power: float = 2.0) -> LossTerm: ...

and ``LOSSES = {"focal": focal}`` makes ``loss/focal`` its weight (0 until it is set) and
``loss/focal_power`` its parameter. A loss that uses the boundary head is also named in
``BOUNDARY_HEAD = ("mine",)``.
"""

import inspect
import linecache
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

from trainables.config import LossConfig, ModelConfig, Value
from trainables.config.pixels import RGB, Pixels
from trainables.config.plugin_fields import PLUGIN
from trainables.data import LAYOUTS
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.check import try_loss
from trainables.losses.term import LossTerm
from trainables.losses.terms import TERMS, Term
from trainables.networks.first_layer import built
from trainables.networks.segmentation import NETWORKS
from trainables.plugin_file import Plugin, line_of, located, where

_MODULE = "own_parts"
"""The plug-in's name in ``sys.modules`` and in tracebacks."""
TABLES = ("LOSSES", "DATASETS", "NETWORKS", "SPACES", "GRIDS")

_Entry = TypeVar("_Entry")


@dataclass
class _Installed:
    """The plug-in of this process, if any, and how to remove what it added."""

    plugin: Plugin | None = None
    module: ModuleType | None = None


_installed = _Installed()
_removals = ExitStack()
"""Takes the plug-in's entries out of the tables again, last in, first out."""


def installed() -> Plugin | None:
    """The plug-in that is installed in this process."""
    return _installed.plugin


def add(table: dict[str, _Entry], name: str, entry: _Entry) -> None:
    """Put an entry of the plug-in into a table, until the plug-in is uninstalled.

    Raises:
        ValueError: the table has an entry of that name.
    """
    if name in table:
        raise ValueError(f"{name!r} is Edgewise's own name; have {', '.join(sorted(table))}")
    table[name] = entry
    _removals.callback(table.pop, name)


def uninstall() -> None:
    """Remove the plug-in's entries from all tables."""
    _removals.close()
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
                    add_entry(module, name, entry)
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


def _add_dataset(module: ModuleType, name: str, layout: object) -> None:
    add(LAYOUTS, name, _callable(layout))


def _add_network(module: ModuleType, name: str, build: object) -> None:
    plugin = installed()
    assert plugin is not None
    network: Callable[..., Any] = partial(_build, plugin, name, _callable(build))
    add(NETWORKS, name, network)
    PLUGIN.networks.append(name)


def _build(
    plugin: Plugin,
    name: str,
    build: Callable[..., object],
    config: ModelConfig,
    num_classes: int,
    pixels: Pixels = RGB,
) -> object:
    """Call the plug-in's constructor; report its errors with the line in the user's file."""
    with located(plugin, "NETWORKS", name, build):
        return built(build, config, num_classes, pixels)


def _add_loss(module: ModuleType, name: str, entry: object) -> None:
    """The term, its weight ``loss/NAME`` and its parameters ``loss/NAME_PARAMETER``."""
    loss = _callable(entry)
    defaults = parameters_of(loss)
    known = {field.name for field in fields(LossConfig)}
    for field, value in {name: 0.0, **{f"{name}_{key}": v for key, v in defaults.items()}}.items():
        if field in known:
            raise ValueError(f"loss/{field} is a config field already")
        add(PLUGIN.loss_fields, field, value)
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


_ADDERS: dict[str, Callable[[ModuleType, str, object], None]] = {
    "LOSSES": _add_loss,
    "DATASETS": _add_dataset,
    "NETWORKS": _add_network,
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


def _callable(entry: object) -> Callable[..., Any]:
    """The entry, if it can be called; what it takes and returns only a call can show."""
    if not callable(entry):
        raise ValueError(f"must be a function or a class, got {entry!r}")
    return entry


def parameters_of(loss: Callable[..., object]) -> dict[str, Value]:
    """The keyword-only parameters of a loss with their defaults, which give their types."""
    found: dict[str, Value] = {}
    signature = inspect.signature(loss).parameters.values()
    free = [parameter for parameter in signature if parameter.kind != parameter.KEYWORD_ONLY]
    if len(free) != 2:
        raise ValueError(f"must take (prediction, target, *, ...), got {inspect.signature(loss)}")
    for parameter in signature:
        if parameter.kind == parameter.KEYWORD_ONLY:
            if not isinstance(parameter.default, Value):
                raise ValueError(
                    f"{parameter.name} must have a default that is a number, a text, True or False"
                )
            found[parameter.name] = parameter.default
    return found
