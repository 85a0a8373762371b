"""The command line."""

import argparse
import shlex
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from cluster import session
from study.ledger.record import Value
from trainables.config import DataConfig, TrialConfig, parse, recipes
from trainables.config.plugin_fields import PLUGIN
from trainables.metrics.catalog import METRICS

SAMPLERS = ("tpe", "random", "gp", "cmaes", "nsga2")
SCHEDULERS = ("asha", "none")
DEFAULT_TRIALS = 8
DEFAULT_CELL_TRIALS = 4


def choice(flag: str, value: str | None, known: Sequence[str]) -> str:
    """The value, or a ValueError that lists what is allowed."""
    if value is None or value not in known:
        raise ValueError(f"{flag} must be one of {', '.join(known)}, got {value!r}")
    return value


PLACES = {
    "resume",
    "storage",
    "tracking_uri",
    "lanes",
    "verbose",
    "dry_run",
    "max_hours",
    "max_gpu_hours",
    "max_failures",
    "on_oom",
    "lane_wait",
}
"""Options that no ledger decides: where and how, not what."""


def require_only(given: argparse.Namespace, allowed: Set[str], flag: str, why: str) -> None:
    """Raise a ValueError if ``--flag`` comes with an option that is not allowed beside it."""
    from study.commands.options import parse_arguments

    default = vars(parse_arguments([]))
    changed = {name for name, value in vars(given).items() if value != default[name]}
    if decided := sorted(changed - allowed):
        spoken = {"changes": "set", "with_parts": "with"}
        first = spoken.get(decided[0], decided[0].replace("_", "-"))
        raise ValueError(f"--{first} cannot be given with --{flag}: {why}")


def require_only_places(given: argparse.Namespace) -> None:
    """Raise a ValueError if ``--resume`` comes with an option that its ledger decides."""
    require_only(given, PLACES, "resume", "the ledger has the plan")


def resume_command(study: str, storage: Path, tracking_uri: str) -> str:
    """What to type to go on with a study, from this folder."""
    from study.commands.options import parse_arguments

    default = parse_arguments([])
    words = ["python", "study/run.py", "--resume", study]
    if storage != storage_of(default):
        words += ["--storage", str(storage)]
    if tracking_uri != tracking_uri_of(default):
        words += ["--tracking-uri", tracking_uri]
    return shlex.join(words)


def home() -> Path:
    """Where results go by default: here, or the user's home if this folder will vanish."""
    return Path.home() / "edgewise" if session.shipped() else Path.cwd()


def storage_of(options: argparse.Namespace) -> Path:
    return (options.storage or home() / "runs").expanduser().resolve()


_TRACKED = ("sqlite:///", "postgresql", "mysql", "mssql", "http://", "https://", "databricks")


def tracking_uri_of(options: argparse.Namespace) -> str:
    """The default database lies where the README's ``mlflow ui`` command looks."""
    uri = str(options.tracking_uri or "") or f"sqlite:///{home().resolve()}/mlflow.db"
    if not uri.startswith(_TRACKED):
        raise ValueError(f"--tracking-uri must begin with {', '.join(_TRACKED)}, got {uri!r}")
    return uri


def base_config(options: argparse.Namespace, first: Mapping[str, Value]) -> TrialConfig:
    """The default config, the first changes (a space's), then what the command line sets."""
    given: dict[str, Any] = {
        "data/dataset": options.dataset,
        "data/root": options.data,
        "data/cache": options.cache,
        "model/weights": options.weights,
        "epochs": options.epochs,
        "seed": options.seed,
    }
    changes = {path: value for path, value in given.items() if value is not None}
    changes |= dict(parse_change(text) for text in options.changes)
    if PLUGIN.digest:
        changes["parts"] = PLUGIN.digest
    recipe = recipes.changes(options.recipe) if options.recipe else {}
    if changes.get("model/weights", "none") not in ("none", "imagenet"):
        changes["model/weights"] = str(Path(changes["model/weights"]).expanduser().resolve())
    if changes.get("data/root"):
        changes["data/root"] = str(Path(changes["data/root"]).expanduser().resolve())
    changes = {**recipe, **changes}
    if changes.get("model/weights", "none") != "none" and "model/network" not in changes:
        changes["model/network"] = "fpn"
    return TrialConfig().changed({**first, **changes})


def parse_change(text: str) -> tuple[str, Value]:
    """One ``--set PATH=VALUE``."""
    path, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set must be PATH=VALUE, got {text!r}")
    return path, parse(path, value)


def data_config(options: argparse.Namespace) -> DataConfig:
    """What ``--check-data NAME DIR`` is to look at; ``--set data/...`` counts too."""
    name, folder = options.check_data
    changes = dict(parse_change(text) for text in options.changes)
    changes |= {"data/dataset": name, "data/root": str(Path(folder).expanduser().resolve())}
    return TrialConfig().changed(changes).data


_ONE_ONLY = ("cmaes",)
"""Samplers of Optuna that know one objective alone."""


def parse_objectives(text: str) -> dict[str, str]:
    """``miou,hd95`` as ``{"miou": "max", "hd95": "min"}``, in the order given.

    Raises:
        ValueError: a name that is no metric, or one given twice.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in METRICS:
            raise ValueError(f"--objective must be one of {', '.join(METRICS)}, got {name!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"--objective must name each metric once, got {text!r}")
    return {name: METRICS[name].direction for name in names}


def check_objectives(
    objectives: Mapping[str, str], sampler: str, scheduler: str, is_grid: bool
) -> None:
    """Raise a ValueError for what cannot serve several objectives.

    ASHA is refused rather than fed the first of them: it would stop the very trials that are best
    in another, and the Pareto set would have no ends.
    """
    if len(objectives) == 1:
        return
    given = f"got {len(objectives)}: {','.join(objectives)}"
    if is_grid:
        raise ValueError(f"--objective of a grid must be one metric, {given}; its tables show all")
    if scheduler != "none":
        raise ValueError(
            f"--objective with --scheduler {scheduler} must be one metric, {given}; "
            f"it would stop trials by the first alone"
        )
    if sampler in _ONE_ONLY:
        raise ValueError(
            f"--objective with --sampler {sampler} must be one metric, {given}; "
            f"several need tpe, nsga2, gp or random"
        )
