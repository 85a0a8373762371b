"""Run a study: `python study/run.py --space inverseform`. See --help and --list."""

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

if __name__ == "__main__":  # found from wherever it is called, installed or not
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from rich.console import Console

from cluster import session
from search_spaces import SPACES
from study import describe, options, storage
from study.ledger import FILE, Ledger
from study.plan import Plan, check_tiles, from_event, stage_configs
from study.record import FINAL

INTERRUPTED = 130
_STORE_BYTES = 512 * 2**20
_WIDTH = 140
"""Columns where there is no terminal to ask: a job's log, a file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 2 refused before anything started, 130 cut off and resumable."""
    _quiet()
    given = options.parse_arguments(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    if given.list:
        describe.print_list(console)
        return 0
    try:
        with ExitStack() as stack:
            return _study(given, console, stack)
    except ValueError as error:
        print(f"study/run.py: {error}", file=sys.stderr)
        return 2


def _quiet() -> None:
    """Only our own warnings reach the terminal."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    for name in ("ray", "mlflow", "alembic", "optuna"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _study(given: argparse.Namespace, console: Console, stack: ExitStack) -> int:
    """Plan, check, show; then start Ray and run. Raises ValueError for what a user can mend."""
    if session.attached():
        stack.enter_context(session.session(_STORE_BYTES, given.verbose))
        nodes = session.cluster_nodes()
    else:
        nodes = [session.local_node()]
    plan = _resumed_plan(given) if given.resume else options.make_plan(given, nodes)
    if not given.resume:
        storage.require_new(plan.folder)
    storage.prove_writable(plan.storage)

    from trainables.data import load

    dataset = load(plan.base.data)
    space = SPACES[plan.space]
    check_tiles(plan, space, dataset.size)
    if given.dry_run:
        return _show(console, plan, dataset, plan.trials)

    held = storage.lock(plan.folder)
    stack.callback(held.release)
    ledger = Ledger(plan.folder / FILE)
    stack.callback(ledger.close)
    if ledger.record.plan and ledger.record.plan["data"]["digest"] != dataset.digest:
        was = ledger.record.plan["data"]["digest"]
        raise ValueError(f"--resume needs the data it began with: digest {was}, got "
                         f"{dataset.digest}")  # fmt: skip
    _show(console, plan, dataset, plan.trials - len(ledger.record.in_state(*FINAL)))

    from study.execute import execute

    if not session.attached():
        images = dataset.splits.values()
        needed = sum(part.images_NHWC.nbytes + part.labels_NHW.nbytes for part in images)
        stack.enter_context(session.session(_STORE_BYTES + 2 * needed, given.verbose))
    return 0 if execute(plan, space, dataset, ledger, console) else INTERRUPTED


def _resumed_plan(given: argparse.Namespace) -> Plan:
    """The plan that the ledger holds; only where it runs may be given anew."""
    folder = options.storage_of(given) / given.resume
    storage.require_known(folder)
    ledger = Ledger(folder / FILE)
    ledger.close()
    return from_event(
        ledger.record.plan, folder.parent, options.tracking_uri_of(given), given.lanes
    )


def _show(console: Console, plan: Plan, dataset: "object", left: int) -> int:
    from study.forecast import epoch_seconds, study_seconds
    from trainables.data import Dataset

    assert isinstance(dataset, Dataset)
    space = SPACES[plan.space]
    stages = len(stage_configs(plan, space))
    slowest = stage_configs(plan, space)[-1] if stages else plan.base
    epoch_s = epoch_seconds(slowest, dataset)
    forecast_s = study_seconds(plan, epoch_s, stages, left)
    describe.print_plan(
        console, plan, space, dataset, forecast_s=forecast_s, epoch_s=epoch_s, stages=stages,
        left=left,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
