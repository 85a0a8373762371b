"""A user's own parts: one Python file that adds losses, datasets and networks to a study.

The file defines plain names, each a table: ``LOSSES``, ``DATASETS``, ``NETWORKS``. (``SPACES`` and
``GRIDS`` are read by ``study/planning/plugin.py``.) Its text travels with the study: to every
worker and into the ledger; its digest is part of each trial's identity. A loss is a function

    def focal(prediction, target, *, power: float = 2.0) -> LossTerm: ...

and ``LOSSES = {"focal": focal}`` makes ``loss/focal`` its weight (0 until it is set) and
``loss/focal_power`` its parameter. A loss that looks at the boundary head is also named in
``BOUNDARY_HEAD = ("mine",)``.
"""

import hashlib
import inspect
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from types import ModuleType
from typing import Any

from trainables.config import LossConfig, Value, plugin_fields
from trainables.data import LAYOUTS
from trainables.losses.check import try_loss
from trainables.losses.term import LossTerm
from trainables.losses.terms import TERMS, Learned, Prediction, Target, Term
from trainables.networks.segmentation import NETWORKS

_MODULE = "own_parts"
TABLES = ("LOSSES", "DATASETS", "NETWORKS", "SPACES", "GRIDS")


@dataclass(frozen=True)
class Plugin:
    """A user's file: its name, for messages, and its text."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


_added: list[tuple[dict[str, Any], str]] = []
"""What the installed file has put into which table."""


_installed: list[tuple[Plugin, ModuleType]] = []


def installed() -> Plugin | None:
    """The file that is installed in this process."""
    return _installed[0][0] if _installed else None


def add(table: dict[str, Any], name: str, part: Any) -> None:
    """Put one of the user's parts into a table, until another file is installed.

    Raises:
        ValueError: the table has one of that name.
    """
    if name in table:
        raise ValueError(f"{name!r} is Edgewise's own name; have {', '.join(sorted(table))}")
    table[name] = part
    _added.append((table, name))


def uninstall() -> None:
    """Take the installed file's parts out of all tables."""
    while _added:
        table, name = _added.pop()
        del table[name]
    for names in (plugin_fields.DIGEST, plugin_fields.WEIGHTS, plugin_fields.NETWORKS):
        names.clear()
    _installed.clear()


def install(parts: Plugin) -> ModuleType:
    """Add the file's losses, datasets and networks, instead of those of any other file.

    Raises:
        ValueError: one line with the file and the line in it.
    """
    if _installed and _installed[0][0] == parts:
        return _installed[0][1]
    uninstall()
    module = _run(parts)
    try:
        plugin_fields.DIGEST.append(parts.digest)
        _installed.append((parts, module))
        for table, put in {
            "LOSSES": _add_loss,
            "DATASETS": _add_dataset,
            "NETWORKS": _add_network,
        }.items():
            for name, part in table_of(parts, module, table).items():
                with located(parts, table, name, part):
                    put(module, name, part)
    except ValueError:
        uninstall()
        raise
    return module


def _run(parts: Plugin) -> ModuleType:
    """Execute the text as a module whose tracebacks show its lines."""
    lines = parts.text.splitlines(keepends=True)
    linecache.cache[parts.name] = (len(parts.text), None, lines, parts.name)
    module = ModuleType(_MODULE, f"{parts.name}, a user's own parts.")
    sys.modules[_MODULE] = module
    try:
        exec(compile(parts.text, parts.name, "exec"), module.__dict__)
    except SyntaxError as error:
        raise ValueError(f"--with {parts.name}:{error.lineno}: {error.msg}") from None
    except Exception as error:
        raise ValueError(f"--with {where(parts, error)}") from None
    return module


def where(parts: Plugin, error: BaseException, otherwise: int = 1) -> str:
    """``FILE:LINE: what went wrong``, the line being the last one of the user's own file."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == parts.name]
    reason = " ".join(str(error).split()) or "no reason given"
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return f"{parts.name}:{lines[-1] if lines else otherwise}: {kind}{reason}"


def table_of(parts: Plugin, module: ModuleType, table: str) -> dict[str, Any]:
    """One of the file's tables; none is an empty one."""
    found = getattr(module, table, {})
    if not isinstance(found, dict) or not all(str(name).isidentifier() for name in found):
        raise ValueError(
            f"--with {parts.name}:{line_of(parts, table)}: {table} must be a mapping "
            f"of names (letters, digits, _) to parts, got {found!r}"
        )
    return found


def line_of(parts: Plugin, table: str) -> int:
    """The line on which the file begins to define a table."""
    starts = [
        number
        for number, line in enumerate(parts.text.splitlines(), start=1)
        if line.startswith(table)
    ]
    return starts[-1] if starts else 1


@contextmanager
def located(parts: Plugin, table: str, name: str, part: object = None) -> Iterator[None]:
    """Whatever is wrong with this entry is told with the file and a line of it: the one that
    failed, or where the part's function or else the table begins."""
    try:
        yield
    except Exception as error:  # a user's code raises what it likes
        code = getattr(part, "__code__", None)
        begins = code.co_firstlineno if code and code.co_filename == parts.name else 0
        place = where(parts, error, begins or line_of(parts, table))
        raise ValueError(f"--with {place} ({table}/{name})") from None


def _add_dataset(module: ModuleType, name: str, layout: Any) -> None:
    _require_callable(layout)
    add(LAYOUTS, name, layout)


def _add_network(module: ModuleType, name: str, build: Any) -> None:
    _require_callable(build)
    add(NETWORKS, name, build)
    plugin_fields.NETWORKS.append(name)


def _add_loss(module: ModuleType, name: str, loss: Any) -> None:
    """The term, its weight ``loss/NAME`` and its parameters ``loss/NAME_PARAMETER``."""
    _require_callable(loss)
    defaults = _parameters(loss)
    known = {field.name for field in fields(LossConfig)}
    for field, value in {name: 0.0, **{f"{name}_{key}": v for key, v in defaults.items()}}.items():
        if field in known:
            raise ValueError(f"loss/{field} is a config field already")
        add(plugin_fields.LOSS_FIELDS, field, value)
    plugin_fields.WEIGHTS.append(name)
    head = name in getattr(module, "BOUNDARY_HEAD", ())
    term = Term(
        partial(_weight, name),
        partial(_compute, loss, name, tuple(defaults)),
        rule=name,
        head=lambda config: head,
    )
    add(TERMS, name, term)
    try_loss(loss)


def _weight(name: str, config: LossConfig) -> float:
    return float(config.of_own(name))


def _compute(
    loss: Callable[..., LossTerm],
    name: str,
    keys: tuple[str, ...],
    config: LossConfig,
    prediction: Prediction,
    target: Target,
    learned: Learned,
) -> LossTerm:
    return loss(prediction, target, **{key: config.of_own(f"{name}_{key}") for key in keys})


def _require_callable(part: Any) -> None:
    if not callable(part):
        raise ValueError(f"must be a function or a class, got {part!r}")


def _parameters(loss: Callable[..., Any]) -> dict[str, Value]:
    """The keyword-only parameters of a loss with their defaults, which give their types."""
    found: dict[str, Value] = {}
    signature = inspect.signature(loss).parameters.values()
    free = [parameter for parameter in signature if parameter.kind != parameter.KEYWORD_ONLY]
    if len(free) != 2:
        raise ValueError(f"must take (prediction, target, *, ...), got {inspect.signature(loss)}")
    for parameter in signature:
        if parameter.kind == parameter.KEYWORD_ONLY:
            if not isinstance(parameter.default, bool | int | float | str):
                raise ValueError(
                    f"{parameter.name} must have a default that is a number, a text, True or False"
                )
            found[parameter.name] = parameter.default
    return found
