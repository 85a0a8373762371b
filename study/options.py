"""The command line, and a plan made from it."""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from cluster import session
from cluster.resources import LaneRequest, Node, count_lanes
from search_spaces import GRIDS, SPACES, Grid, Space
from study import grid_file, runnable
from study.plan import Plan, check_name
from study.record import Value
from trainables.config import TrialConfig, parse
from trainables.metrics.catalog import METRICS

SAMPLERS = ("tpe", "random", "gp", "cmaes")
SCHEDULERS = ("asha", "none")
_DEFAULT_TRIALS = 12
_DEFAULT_SEEDS = 6
_DEFAULT_GRIDS = {"all_losses": "arms"}
"""Grids of spaces in which nothing is searched."""


class OneLineParser(argparse.ArgumentParser):
    """An error is one line, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = OneLineParser(
        prog="study/run.py", description="Which boundary loss helps on your data? Ask it here.",
        allow_abbrev=False,
    )  # fmt: skip
    what = parser.add_argument_group("what is asked")
    what.add_argument("--space", help=f"the search space: {', '.join(SPACES)}")
    what.add_argument(
        "--grid",
        metavar="NAME|FILE.yaml",
        help="an ablation instead of a search: a table of the space, or one's own",
    )
    what.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help=f"of a grid: every cell on the same N seeds, default {_DEFAULT_SEEDS}",
    )
    what.add_argument("--objective", default="miou", help=f"one of {', '.join(METRICS)}")
    what.add_argument("--trials", type=int, default=_DEFAULT_TRIALS, help="default 12")
    what.add_argument("--epochs", type=int, help="epochs a trial, at most")
    what.add_argument("--sampler", default="tpe", help=f"one of {', '.join(SAMPLERS)}")
    what.add_argument("--scheduler", default="none", help=f"one of {', '.join(SCHEDULERS)}")
    what.add_argument("--seed", type=int, default=0, help="of the search and of every trial")
    data = parser.add_argument_group("on which data, with which network")
    data.add_argument("--dataset", help="default: shapes, the built-in one")
    data.add_argument("--data", metavar="DIR", help="the dataset's folder")
    data.add_argument("--weights", metavar="none|imagenet|PATH", help="of the backbone")
    data.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="changes",
                      help="any config field: --set data/height=120; may be repeated")  # fmt: skip
    where = parser.add_argument_group("where")
    where.add_argument("--workers", type=int, default=1, help="ranks a trial")
    where.add_argument("--lanes", type=int, default=0, help="trials at once; 0: all that fit")
    where.add_argument("--cpus-per-worker", type=float, default=1)
    where.add_argument("--gpus-per-worker", type=float, default=0, help="may be a fraction")
    where.add_argument("--storage", type=Path, help="folder for studies, on a cluster a shared one")
    where.add_argument("--name", help="of the study; default: space, dataset and time")
    where.add_argument("--tracking-uri", help="MLflow; default: sqlite:///mlflow.db")
    how = parser.add_argument_group("how")
    how.add_argument("--resume", metavar="NAME", help="continue a study that was cut off")
    how.add_argument("--dry-run", action="store_true", help="print the plan, check all, run none")
    how.add_argument("--list", action="store_true", help="spaces, losses, datasets, models")
    how.add_argument("--verbose", action="store_true", help="show Ray's own messages")
    return parser.parse_args(arguments)


def choice(flag: str, value: str | None, known: Sequence[str]) -> str:
    """The value, or a ValueError that lists what is allowed."""
    if value is None or value not in known:
        raise ValueError(f"{flag} must be one of {', '.join(known)}, got {value!r}")
    return value


_PLACES = {"resume", "storage", "tracking_uri", "lanes", "verbose", "dry_run"}


def require_only_places(given: argparse.Namespace) -> None:
    """Raise a ValueError if ``--resume`` comes with an option that its ledger decides."""
    default = vars(parse_arguments([]))
    changed = [name for name, value in vars(given).items() if value != default[name]]
    decided = sorted(set(changed) - _PLACES)
    if decided:
        flag = "set" if decided[0] == "changes" else decided[0].replace("_", "-")
        raise ValueError(f"--{flag} cannot be given with --resume: the ledger has the plan")


def home() -> Path:
    """Where results go by default: here, or the user's home if this folder will vanish."""
    return Path.home() / "edgewise" if session.shipped() else Path.cwd()


def storage_of(options: argparse.Namespace) -> Path:
    return (options.storage or home() / "runs").expanduser().resolve()


def tracking_uri_of(options: argparse.Namespace) -> str:
    """The default database lies where the README's ``mlflow ui`` command looks."""
    return str(options.tracking_uri or "") or f"sqlite:///{home().resolve()}/mlflow.db"


def base_config(options: argparse.Namespace, first: Mapping[str, Value]) -> TrialConfig:
    """The default config, the first changes (a space's), then what the command line sets."""
    given: dict[str, Any] = {
        "data/dataset": options.dataset, "data/root": options.data,
        "model/weights": options.weights, "epochs": options.epochs, "seed": options.seed,
    }  # fmt: skip
    changes = {path: value for path, value in given.items() if value is not None}
    for text in options.changes:
        path, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set must be PATH=VALUE, got {text!r}")
        changes[path] = parse(path, value)
    if changes.get("model/weights", "none") not in ("none", "imagenet"):
        changes["model/weights"] = str(Path(changes["model/weights"]).expanduser().resolve())
    if changes.get("data/root"):
        changes["data/root"] = str(Path(changes["data/root"]).expanduser().resolve())
    if changes.get("model/weights", "none") != "none" and "model/network" not in changes:
        changes["model/network"] = "fpn"
    return TrialConfig().changed({**first, **changes})


def grid_of(options: argparse.Namespace) -> Grid | None:
    """The grid that is asked for: by name, from a file, or the space's only one."""
    name = options.grid or _DEFAULT_GRIDS.get(options.space or "")
    if not name:
        if options.seeds is not None:
            raise ValueError("--seeds goes with --grid: a search has one seed, --seed")
        return None
    if Path(name).suffix in (".yaml", ".yml"):
        return grid_file.read(Path(name).expanduser())
    space = choice("--space", options.space, list(SPACES))
    known = GRIDS.get(space, {})
    named = ", ".join([*known, "FILE.yaml"])
    if name not in known:
        raise ValueError(f"--grid of {space} must be one of {named}, got {name!r}")
    return known[name]


def _check_grid(options: argparse.Namespace, grid: Grid) -> None:
    """Raise a ValueError for an option that a grid decides."""
    default = vars(parse_arguments([]))
    for name in ("trials", "sampler", "scheduler"):
        if getattr(options, name) != default[name]:
            raise ValueError(f"--{name} cannot be given with --grid: every cell runs all epochs "
                             f"on every seed")  # fmt: skip
    if options.seeds is not None and options.seeds < 1:
        raise ValueError(f"--seeds must be >= 1, got {options.seeds}")
    for text in options.changes:
        if text.partition("=")[0] in grid.paths():
            raise ValueError(f"--set must leave {', '.join(grid.paths())} to the cells of the "
                             f"grid, got {text!r}")  # fmt: skip


def _checked_grid(options: argparse.Namespace, grid: Grid, base: TrialConfig) -> Grid:
    """The grid with what each cell lacks here; a baseline that lacks something is refused."""
    _check_grid(options, grid)
    cells = tuple(replace(cell, needs=runnable.missing(cell, base)) for cell in grid.cells)
    checked = replace(grid, cells=cells)
    if lacks := checked.cell(grid.baseline).needs:
        raise ValueError(f"--grid {grid.name}: its baseline {grid.baseline!r} needs {lacks}")
    return checked


def make_plan(options: argparse.Namespace, nodes: list[Node]) -> Plan:
    """Everything decided and checked that needs no data.

    Raises:
        ValueError: one line that names the option, what is allowed and what it got.
    """
    grid = grid_of(options)
    named = options.space or ("all_losses" if grid else None)
    space = SPACES[choice("--space", named, list(SPACES))]
    base = base_config(options, {} if grid else space.base)
    seeds: tuple[int, ...] = ()
    trials = options.trials
    if grid is None:
        runnable.check_space(space, base)
    else:
        grid = _checked_grid(options, grid, base)
        count = _DEFAULT_SEEDS if options.seeds is None else options.seeds
        seeds = tuple(range(base.seed, base.seed + count))
        trials = len(seeds) * sum(not cell.needs for cell in grid.cells)
    objective = choice("--objective", options.objective, list(METRICS))
    if trials < 1:
        raise ValueError(f"--trials must be >= 1, got {trials}")
    request = LaneRequest(options.workers, options.cpus_per_worker, options.gpus_per_worker)
    if base.batch < request.workers:
        raise ValueError(f"batch must be at least the {request.workers} workers, got {base.batch}")
    return Plan(
        study=_name(options, space, grid, base), space=space.name, base=base, objective=objective,
        mode=METRICS[objective].direction, trials=trials, grid=grid, seeds=seeds,
        sampler="none" if grid else choice("--sampler", options.sampler, SAMPLERS),
        scheduler=choice("--scheduler", options.scheduler, SCHEDULERS),
        seed=options.seed, lanes=count_lanes(nodes, request, options.lanes, trials),
        workers=request.workers, cpus_per_worker=request.cpus_per_worker,
        gpus_per_worker=request.gpus_per_worker, storage=storage_of(options),
        tracking_uri=tracking_uri_of(options),
    )  # fmt: skip


def _name(options: argparse.Namespace, space: Space, grid: Grid | None, base: TrialConfig) -> str:
    what = space.name if grid is None else f"{space.name}-{grid.name}"
    name = options.name or f"{what}-{base.data.dataset}-{time.strftime('%Y%m%d-%H%M%S')}"
    check_name(name)
    return str(name)
