"""Arguments of ``import study``'s functions as requests, and errors that name arguments.

The functions' signatures name and type every argument; what a caller without a type checker gives
is checked here, so that a wrong type is one line that names the argument.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import UnionType
from typing import cast, get_args, get_type_hints

from study.commands.export import ExportRequest
from study.commands.predict import PredictRequest
from study.planning.request import StudyRequest
from trainables.config import require

_PATHS = {"first_masks", "inputs", "storage", "out", "folder"}
"""Arguments whose field is a path; other paths are texts in the requests."""
_LISTS = {"objective", "tasks", "cells", "warm_start", "classes"}
"""Arguments of several names, which the command separates by commas."""
_WORDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "True or False",
    Path: "a path",
    type(None): "None",
}
_ARGUMENTS = {"set": "changes", "with": "with_parts", "list": "list_name"}
"""By option, its argument where the name is another."""
_OPTION = re.compile(r"(?<![\w/-])--([a-z]+(?:-[a-z]+)*)")
_COMMAND = re.compile(r"study/(run|report|predict|export|explain)\.py")
_CHANGE = re.compile(r"--set ([a-z_]+/[a-z_]+)=(\w+)")


def study_request(options: Mapping[str, object], resume: str | None = None) -> StudyRequest:
    """The command's request with these arguments instead of its defaults.

    Raises:
        ValueError: an argument has a wrong type.
    """
    given = {name: _as_option(name, value) for name, value in options.items()}
    _require_types(given, StudyRequest)
    return StudyRequest(**given, resume=resume)  # type: ignore[arg-type]


def predict_request(options: Mapping[str, object]) -> PredictRequest:
    """The same for ``study.predict``."""
    given = {name: _as_option(name, value) for name, value in options.items()}
    _require_types(given, PredictRequest)
    return PredictRequest(**given)  # type: ignore[arg-type]


def export_request(options: Mapping[str, object]) -> ExportRequest:
    """The same for ``study.export``."""
    given = {name: _as_option(name, value) for name, value in options.items()}
    _require_types(given, ExportRequest)
    return ExportRequest(**given)  # type: ignore[arg-type]


def _as_option(name: str, value: object) -> object:
    """An argument as the request has it: a mapping as texts, names joined, a path of its type."""
    if name == "changes" and isinstance(value, Mapping):
        return [f"{path}={change}" for path, change in value.items()]
    if name == "factor" and isinstance(value, Mapping):
        return [_factor(path, values) for path, values in value.items()]
    if name == "with_parts":
        return [str(value)] if isinstance(value, str | Path) else value
    if name in _LISTS and isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    if name in _PATHS:
        return Path(value) if isinstance(value, str) and value else value  # "" is no path
    return str(value) if isinstance(value, Path) else value


def _factor(path: object, values: object) -> str:
    listed = isinstance(values, Sequence) and not isinstance(values, str)
    require(listed, f"factor[{path!r}]", "a list of values", values)
    return f"{path}={','.join(map(str, cast(Sequence[object], values)))}"


def _require_types(given: Mapping[str, object], request: type) -> None:
    hints = get_type_hints(request)
    for name, value in given.items():
        hint = hints[name]
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        if all(isinstance(kind, type) for kind in kinds):
            allowed = " or ".join(_WORDS[kind] for kind in kinds)
            require(_is_one_of(value, kinds), name, allowed, value)
        else:  # a text is a sequence too, of letters
            listed = isinstance(value, Sequence) and not isinstance(value, str)
            require(listed, name, "a list, or what its help says", value)


def _is_one_of(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):  # it is an int to Python
        return bool in kinds
    if isinstance(value, int):
        return int in kinds or float in kinds
    return isinstance(value, kinds)


@contextmanager
def named_as_in_python() -> Iterator[None]:
    """Name arguments, where an error line of the command names options: ``seeds``, not --seeds.

    A line that holds a whole command keeps it.
    """
    try:
        yield
    except ValueError as error:
        text = str(error)
        if not _COMMAND.search(text):
            error.args = (in_python(text),)
        raise


def in_python(text: str) -> str:
    """A line with ``--max-hours`` as ``max_hours``, ``--set a/b=c`` as ``changes={"a/b": "c"}``."""
    changed = _CHANGE.sub(r'changes={"\1": "\2"}', text)
    return _OPTION.sub(lambda found: _argument(found[1]), changed)


def _argument(option: str) -> str:
    return _ARGUMENTS.get(option, option.replace("-", "_"))
