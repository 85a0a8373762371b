"""`study/run.py`: plan a study, check it, print the plan and run it. See --help and --list.

A mistake in the options is refused within a second: what takes longer to import (torch, Ray) is
imported after the options have been checked.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack

from cluster.resources import Node
from cluster.safe_text import printable
from study.commands import options, process
from study.commands.screen import outlived
from study.execution.stopping import INTERRUPTED, policy_of
from study.ledger.study_folder import StudyFolder
from study.ledger.typed_command import name_of
from study.planning.grids import grid_of
from study.planning.make_plan import plan_from_request
from study.planning.request import StudyRequest

_ANY_MACHINE = Node(cpus=1e9, gpus=1e9)
"""Has room for every lane: how many fit is checked on the real machines."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit code: 0 if the study, or its budget, ended with a result; 2 if it was refused
        before anything started; 1 after a fault, or if no trial is complete; 130 on Ctrl-C,
        SIGTERM, SIGHUP or SIGQUIT. A stopped study can be resumed after 1 and 130.
    """
    with outlived():
        process.prepare()
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    request = options.parse_request(arguments)
    try:
        _refuse_mistakes(request)
        return _run(request)
    except ValueError as error:
        print(f"{name_of('study/run.py')}: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resume = "interrupted; --resume NAME continues a study that had started"
        print(f"{name_of('study/run.py')}: {resume}", file=sys.stderr)
        return INTERRUPTED


def _refuse_mistakes(request: StudyRequest) -> None:
    """Raise the ValueError of a mistake in the options, if it shows without the libraries.

    A plug-in may add names, so that its request is checked once it is installed.
    """
    asks = request.list_names or request.check_data
    if not asks and not request.resume and not request.with_parts:
        policy_of(request)
        StudyFolder.of(plan_from_request(request, [_ANY_MACHINE])).require_new()


def _run(request: StudyRequest) -> int:
    # These take seconds to import.
    from study.commands import check_data, listing, start
    from study.planning.base_config import data_config
    from study.reporting.terminal.safe_console import stdout_console

    console = stdout_console()
    start.install_requested(request)
    if request.list_names:
        grid = grid_of(request) if request.grid else None
        listing.print_grid(console, grid) if grid else listing.print_list(console)
        return 0
    if request.check_data:
        pictures = request.storage_folder() / "check"
        return 0 if check_data.check(data_config(request), console, pictures) else 2
    with ExitStack() as stack:
        return start.start(request, console, stack)
