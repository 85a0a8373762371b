"""The configuration that a request describes, before a search or a grid changes it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from study.planning import initial, tasks
from study.planning.request import StudyRequest
from trainables.config import DataConfig, TrialConfig, Value, recipes, require
from trainables.config.data import BUILT_IN, DRAWN, FOLDER, OF_FOLDER
from trainables.config.plugin_fields import PLUGIN


def base_config(request: StudyRequest, space_base: Mapping[str, Value]) -> TrialConfig:
    """The default config, changed by the space, then the recipe, then the command line."""
    given: dict[str, Value | None] = {
        "data/dataset": request.dataset,
        "data/root": request.data,
        **_named(request),
        "data/cache": request.cache,
        "model/weights": request.weights,
        "model/init": request.init,
        **(tasks.changes_of(request.tasks) if request.tasks is not None else {}),
        "epochs": request.epochs,
        "seed": request.seed,
    }
    changes = {path: value for path, value in given.items() if value is not None}
    own = {path: value for path, value in changes.items() if path != "seed" or value}
    _require_agreement(own, request.set_values())
    changes |= request.set_values()
    of_recipe = recipes.changes(request.recipe) if request.recipe else {}
    if "data/dataset" not in {**space_base, **of_recipe, **changes} and _is_folder(changes):
        changes["data/dataset"] = FOLDER
    if request.folds:
        changes |= {"data/folds": request.folds, "data/fold": 1}
    if PLUGIN.digest:  # trials with another version of the plug-in are other trials
        changes["parts"] = PLUGIN.digest
    if changes.get("model/weights", "none") not in ("none", "imagenet"):
        changes["model/weights"] = _absolute(changes["model/weights"])
    if changes.get("data/root"):
        changes["data/root"] = _absolute(changes["data/root"])
    start: dict[str, Value] = {}
    if changes.get("model/init"):
        start = initial.fields(request.storage_folder(), str(changes.pop("model/init")))
    dataset = {**space_base, **changes}.get("data/dataset", BUILT_IN)
    if recipe := request.recipe or recipes.usual(dataset):
        changes = {**recipes.changes(recipe), **changes}
    # The default network has no backbone that could have pretrained weights.
    if changes.get("model/weights", "none") != "none" and "model/network" not in changes:
        changes["model/network"] = "fpn"
    config = TrialConfig().changed(tasks.with_targets({**space_base, **start, **changes}))
    unread = config.data.root if config.data.dataset in DRAWN else ""
    require(not unread, "--data", f"left out with --dataset {config.data.dataset}", unread)
    return config


def _require_agreement(given: Mapping[str, Value], set_values: Mapping[str, Value]) -> None:
    """Raise a ValueError if ``--set`` contradicts an option: neither should win silently."""
    for path, value in set_values.items():
        if path in given:
            option = _OPTIONS.get(path, f"--{path}")
            allowed = f"{given[path]!r} or left out with {option} {given[path]}"
            require(value == given[path], path, allowed, value)


_OPTIONS = {
    "data/dataset": "--dataset",
    "data/root": "--data",
    "data/images": "--images",
    "data/masks": "--masks",
    "data/class_names": "--classes",
    "data/samples": "--samples",
    "data/split_column": "--split-column",
    "data/cache": "--cache",
    "model/weights": "--weights",
    "model/init": "--init",
    "task/tasks": "--tasks",
}
"""The options that decide fields of other names."""


def _named(request: StudyRequest) -> dict[str, Value | None]:
    """The fields of a ``folder`` that options name; a table outside it has an absolute path."""
    samples = request.samples
    if samples and not Path(request.data or "", samples).is_file() and Path(samples).is_file():
        samples = _absolute(samples)
    return {
        "data/images": request.images,
        "data/masks": request.masks,
        "data/class_names": request.classes,
        "data/samples": samples,
        "data/split_column": request.split_column,
    }


def _is_folder(changes: Mapping[str, Value]) -> bool:
    """Whether data of the user's own are named: never replace them by the built-in ones."""
    return any(changes.get(f"data/{name}") for name in ("root", *OF_FOLDER))


def _absolute(path: Value) -> str:
    return str(Path(str(path)).expanduser().resolve())


def data_config(request: StudyRequest) -> DataConfig:
    """The data of ``--check-data NAME DIR``; ``--set data/...`` counts too."""
    assert request.check_data is not None
    name, folder = request.check_data
    named = _named(replace(request, data=folder))
    data: dict[str, Value] = {path: value for path, value in named.items() if value is not None}
    data |= {"data/dataset": name, "data/root": _absolute(folder)}
    return TrialConfig().changed({**request.set_values(), **data}).data
