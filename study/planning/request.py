"""The typed request that both the command line and the Python API make."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast, get_args

from cluster import session
from cluster.safe_text import MASK, without_passwords
from study.ledger.plan import Correction
from trainables.config import Value, parse, require

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
    objective: str | None = None
    """None: ``miou``, or the metric of the first task."""
    tasks: str | None = None
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
    images: str | None = None
    masks: str | None = None
    classes: str | None = None
    samples: str | None = None
    split_column: str | None = None
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
    gpus_per_worker: float | str = 0.0
    """A number, or ``auto``: measured before the first trial."""
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


def parse_change(text: str) -> tuple[str, Value]:
    """Parse one ``--set PATH=VALUE``."""
    path, equals, value = text.partition("=")
    require(bool(equals), "--set", "PATH=VALUE", text)
    return path, parse(path, value)
