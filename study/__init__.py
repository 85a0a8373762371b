"""Run studies from Python, on the same code as the command line::

    import study

    plan = study.plan(space="region", epochs=5, trials=10, changes={"data/height": 96})
    study.check_plan(plan)              # reads the data, prints the plan with its forecast
    table = study.run_plan(plan)        # a pandas.DataFrame, one row per trial
    table = study.verdict("NAME")       # what is better than the baseline, by how much, how sure

docs/python.md has the others. Each imports what it needs: importing a ``study`` module stays fast.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from study.commands.own_packages import import_packages

if TYPE_CHECKING:
    import pandas

    from study.ledger.plan import Plan
    from trainables.config import Value

__all__ = [
    "check_plan",
    "export",
    "make_plan",
    "plan",
    "predict",
    "results",
    "resume",
    "run_plan",
    "together",
    "verdict",
]


def plan(
    *,
    space: str | None = None,
    objective: str | Sequence[str] | None = None,
    tasks: str | Sequence[str] | None = None,
    trials: int | None = None,
    epochs: int | None = None,
    sampler: str = "tpe",
    scheduler: str = "none",
    confirm: int | None = None,
    correction: str = "max_t",
    seed: int = 0,
    with_parts: Path | str | Sequence[Path | str] = (),
    grid: Path | str | None = None,
    seeds: int | str | None = None,
    folds: int = 0,
    smallest: float | None = None,
    cells: str | Sequence[str] | None = None,
    factor: "Mapping[str, Sequence[Value]] | Sequence[str]" = (),
    mode: str | None = None,
    as_published: str | None = None,
    winner: str | None = None,
    control: str | None = None,
    horizon: str | None = None,
    replay: str | None = None,
    warm_start: str | Sequence[str] | None = None,
    fresh: bool = False,
    no_sharing: bool = False,
    trust: bool = False,
    dataset: str | None = None,
    data: Path | str | None = None,
    images: str | None = None,
    masks: str | None = None,
    classes: str | Sequence[str] | None = None,
    samples: Path | str | None = None,
    split_column: str | None = None,
    cache: str | None = None,
    recipe: str | None = None,
    weights: Path | str | None = None,
    init: Path | str | None = None,
    changes: "Mapping[str, Value] | Sequence[str]" = (),
    workers: int = 1,
    lanes: int = 0,
    cpus_per_worker: float = 1.0,
    gpus_per_worker: float | str = 0.0,
    storage: Path | str | None = None,
    name: str | None = None,
    tracking_uri: str | None = None,
    max_hours: float | None = None,
    max_gpu_hours: float | None = None,
) -> "Plan":
    """Plan a study; nothing runs. Each argument is the command's option of this name.

    Args:
        space: what a search varies, or whose ``grid`` is run.
        objective: a metric, or several for a Pareto set; None: the first task's (``miou``).
        trials: of a search; with ``all_losses``, of each loss's own search, 0 for none.
        confirm: seeds on which a search's winner runs against its base, for a verdict.
        with_parts: ``--with``, a plug-in's file or files.
        seeds: of a grid; None: the fewest that allow a verdict; "6..12": with planned looks.
        folds: of a k-fold cross-validation, on each of which every cell runs with every seed.
        smallest: effect that matters, in percentage points or the metric's unit.
        factor: of an ablation: values by config path, the first of them the baseline's, as in
            ``{"loss/lovasz": [0, 0.5, 1]}``.
        images, masks: where they are below ``data``: folders, patterns, ends of names, or columns
            of the table ``samples``, whose ``split_column`` has train, val or test.
        classes: names in order, as in ``["background=0", "vessel=255"]``.
        winner, control, horizon, replay: an earlier study, or trial, to run again.
        weights: "imagenet", or a file for the backbone; ``init`` is for the whole network.
        changes: ``--set``, values by config path, as in ``{"data/height": 96}``.

    Raises:
        ValueError: one line that names the argument, what is allowed and what it got.
    """
    given = dict(locals())
    import_packages()
    from study.commands import python_api

    return python_api.make_plan(given)


make_plan = plan  # the earlier name


def check_plan(plan: "Plan") -> None:
    """Check a plan against the data and this machine, and print it with its forecast."""
    import_packages()
    from study.commands import python_api

    python_api.check_plan(plan)


def run_plan(
    plan: "Plan",
    *,
    max_failures: int = 0,
    on_oom: str = "fail",
    lane_wait: float = 30.0,
    verbose: bool = False,
) -> "pandas.DataFrame":
    """Run a plan to its end and return its ``results``.

    Args:
        max_failures: errors of trials after which the study stops; 0: any number.
        on_oom: "halve" runs a trial that is out of memory once more, with half the batch size.
        lane_wait: minutes that lanes may wait for room.
        verbose: whether Ray's and Tune's own messages are printed.
    """
    given = {"max_failures": max_failures, "on_oom": on_oom, "lane_wait": lane_wait}
    import_packages()
    from study.commands import python_api

    return python_api.run_plan(plan, given, verbose=verbose)


def resume(
    name: str,
    *,
    storage: Path | str | None = None,
    tracking_uri: str | None = None,
    lanes: int = 0,
    max_hours: float | None = None,
    max_gpu_hours: float | None = None,
    max_failures: int = 0,
    on_oom: str = "fail",
    lane_wait: float = 30.0,
    trust: bool = False,
    verbose: bool = False,
) -> "pandas.DataFrame":
    """Resume an interrupted study and return its ``results``; if it has ended, nothing runs."""
    where = dict(locals())
    del where["name"], where["verbose"]
    import_packages()
    from study.commands import python_api

    return python_api.resume(name, where, verbose=verbose)


def results(name: str, storage: Path | str | None = None) -> "pandas.DataFrame":
    """A study's trials as a table, one row per trial, from the ledger alone."""
    import_packages()
    from study.commands import python_api

    return python_api.results(name, storage)


def verdict(name: str, storage: Path | str | None = None) -> "pandas.DataFrame":
    """A study's comparison as a table, one row per cell and metric; empty without one."""
    import_packages()
    from study.commands import python_api

    return python_api.verdict(name, storage)


def together(
    *names: str,
    storage: Path | str | None = None,
    cells: str | None = None,
    smallest: float | None = None,
) -> "pandas.DataFrame":
    """Comparisons of different datasets in one model, as a table; see ``docs/together.md``."""
    import_packages()
    from study.commands import python_api

    return python_api.together(*names, storage=storage, cells=cells, smallest=smallest)


def predict(
    network: str,
    folder: Path | str | None = None,
    *,
    out: Path | str,
    list_name: str = "",
    first_masks: Path | str | None = None,
    overlay: bool = False,
    overwrite: bool = False,
    data: Path | str = "",
    inputs: Path | str | None = None,
    device: str = "",
    storage: Path | str | None = None,
    trust: bool = False,
) -> list[Path]:
    """Write label maps of images and return their paths.

    Args:
        network: ``NAME``, a study's best network, or ``NAME/NUMBER``, that of a trial.
        folder: of images; None for a list of the study's dataset.
        list_name, first_masks, data, inputs: as the command's options; see docs/predict.md.
    """
    given = dict(locals())
    import_packages()
    from study.commands import python_api

    return python_api.predict(given)


def export(
    network: str,
    format: str = "onnx",
    *,
    out: Path | str | None = None,
    overwrite: bool = False,
    storage: Path | str | None = None,
    trust: bool = False,
) -> Path:
    """Write a network (see ``predict``) as "onnx", or "torch" for ``torch.export``; return the
    file: ``out``, or one in the study's ``model`` folder."""
    given = dict(locals())
    import_packages()
    from study.commands import python_api

    return python_api.export(given)
