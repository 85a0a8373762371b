"""The typed request that both the command line and the Python API make."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast, get_args

from cluster import session
from cluster.safe_text import MASK, without_passwords
from study.ledger.plan import Correction
from study.planning import initial
from trainables.config import DataConfig, TrialConfig, Value, parse, recipes, require
from trainables.config.data import BUILT_IN
from trainables.config.plugin_fields import PLUGIN

SAMPLERS = ("tpe", "random", "gp", "cmaes", "nsga2")
SCHEDULERS = ("asha", "none")
CORRECTIONS = get_args(Correction)
DEFAULT_TRIALS = 8
BUILT_IN_TRIALS = 5
"""On the built-in data, where the winner is then confirmed."""
DEFAULT_CELL_TRIALS = 4
_TRACKED = ("sqlite:///", "postgresql", "mysql", "mssql", "http://", "https://", "databricks")
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
    "trust",
}
"""Options that say where and how a study runs, not what: no ledger decides them."""
_OPTION_NAMES = {"changes": "set", "with_parts": "with", "list_names": "list"}
"""Options whose field has another name."""


@dataclass(frozen=True, kw_only=True)
class StudyRequest:
    """The command's options by their names, ``_`` for ``-``. None: the plan has a default."""

    space: str | None = None
    objective: str = "miou"
    trials: int | None = None
    epochs: int | None = None
    sampler: str = "tpe"
    scheduler: str = "none"
    correction: str = "max_t"
    confirm: int | None = None
    """Seeds on which a search's winner runs against its base."""

    seed: int = 0
    with_parts: Sequence[str] = ()
    """``--with``: the user's plug-in."""

    grid: str | None = None
    seeds: int | str | None = None
    """A number, or planned looks: ``6..12``, ``6,9,12``."""
    folds: int = 0
    """Parts of a k-fold cross-validation, on which every cell runs; 0: the dataset's lists."""
    smallest: float | None = None
    """The smallest effect that matters: in percentage points, or in the metric's own unit."""
    cells: str | None = None
    factor: Sequence[str] = ()
    mode: str | None = None
    as_published: str | None = None
    """The setup whose network, data, training and evaluation the grid takes; "": the first that
    can run."""

    winner: str | None = None
    control: str | None = None
    horizon: str | None = None
    """The comparison whose leaders run longer."""
    replay: str | None = None
    warm_start: str | None = None
    fresh: bool = False
    no_sharing: bool = False
    """Run every epoch of every run of a grid, also those that another run has in common with it."""
    trust: bool = False

    dataset: str | None = None
    data: str | None = None
    check_data: Sequence[str] | None = None
    cache: str | None = None
    recipe: str | None = None
    weights: str | None = None
    init: str | None = None
    changes: Sequence[str] = ()
    """``--set``: each ``PATH=VALUE``."""

    workers: int = 1
    lanes: int = 0
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    storage: Path | None = None
    name: str | None = None
    tracking_uri: str | None = None

    max_hours: float | None = None
    max_gpu_hours: float | None = None
    resume: str | None = None
    max_failures: int = 0
    on_oom: str = "fail"
    lane_wait: float = 30.0
    """Minutes."""
    dry_run: bool = False
    list_names: bool = False
    """``--list``."""
    verbose: bool = False

    def storage_folder(self) -> Path:
        return (self.storage or home() / "runs").expanduser().resolve()

    def tracking(self) -> str:
        """The URI of MLflow; the path of a local database is absolute in it.

        The default database lies where the README's ``mlflow ui`` looks.

        Raises:
            ValueError: MLflow does not know such a URI.
        """
        uri = self.tracking_uri or f"sqlite:///{home().resolve()}/mlflow.db"
        if not uri.startswith(_TRACKED):
            raise ValueError(
                f"--tracking-uri must begin with {', '.join(_TRACKED)}, got "
                f"{without_passwords(uri)!r}"
            )
        require(MASK not in uri, "--tracking-uri", f"given with a password for {MASK}", uri)
        return _from_anywhere(uri)

    def set_values(self) -> dict[str, Value]:
        """The values of ``--set``, by path.

        Raises:
            ValueError: one is not ``PATH=VALUE``, its field is unknown, or the value is refused.
        """
        return dict(parse_change(text) for text in self.changes)

    def given(self) -> set[str]:
        """The fields that differ from their defaults; an empty list counts as a default."""
        default = StudyRequest()
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name for name, value in values.items() if value not in ([], getattr(default, name))}

    def require_places(self, flag: str, why: str) -> None:
        """Raise a ValueError if an option besides ``--flag`` says what runs, not where or how."""
        self.require_only(PLACES, flag, why)

    def require_only(self, allowed: Set[str], flag: str, why: str) -> None:
        """Raise a ValueError if an option besides ``--flag`` is not ``allowed``."""
        for name in sorted(self.given() - allowed):
            option = _OPTION_NAMES.get(name, name.replace("_", "-"))
            raise ValueError(f"--{option} cannot be given with --{flag}: {why}")


def home() -> Path:
    """Where results go by default: this folder, or the user's home if a job deletes this folder."""
    return Path.home() / "edgewise" if session.shipped() else Path.cwd()


def _from_anywhere(uri: str) -> str:
    """The URI with an absolute path, so that a printed command works from any folder."""
    file, question, options = uri.removeprefix("sqlite:///").partition("?")
    if not uri.startswith("sqlite:///") or file in ("", ":memory:") or file.startswith("file:"):
        return uri
    return f"sqlite:///{Path(file).expanduser().absolute()}{question}{options}"


def choice(flag: str, value: str | None, known: Sequence[str]) -> str:
    """The value, or a ValueError that lists what is allowed."""
    require(value in known, flag, f"one of {', '.join(known)}", value)
    assert value is not None
    return value


def correction_of(request: StudyRequest) -> Correction:
    """The correction that the request names, or a ValueError that lists what is allowed."""
    choice("--correction", request.correction, CORRECTIONS)
    return cast(Correction, request.correction)


def base_config(request: StudyRequest, space_base: Mapping[str, Value]) -> TrialConfig:
    """The default config, changed by the space, then the recipe, then the command line."""
    given: dict[str, Value | None] = {
        "data/dataset": request.dataset,
        "data/root": request.data,
        "data/cache": request.cache,
        "model/weights": request.weights,
        "model/init": request.init,
        "epochs": request.epochs,
        "seed": request.seed,
    }
    changes = {path: value for path, value in given.items() if value is not None}
    changes |= request.set_values()
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
    return TrialConfig().changed({**space_base, **start, **changes})


def _absolute(path: Value) -> str:
    return str(Path(str(path)).expanduser().resolve())


def parse_change(text: str) -> tuple[str, Value]:
    """Parse one ``--set PATH=VALUE``."""
    path, equals, value = text.partition("=")
    require(bool(equals), "--set", "PATH=VALUE", text)
    return path, parse(path, value)


def data_config(request: StudyRequest) -> DataConfig:
    """The data of ``--check-data NAME DIR``; ``--set data/...`` counts too."""
    assert request.check_data is not None
    name, folder = request.check_data
    data: dict[str, Value] = {"data/dataset": name, "data/root": _absolute(folder)}
    return TrialConfig().changed({**request.set_values(), **data}).data
