"""The options of `study/run.py`, parsed to a ``StudyRequest``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cluster.one_line_parser import OneLineParser
from search_spaces import SPACES
from study.planning.objectives import LISTED
from study.planning.request import (
    BUILT_IN_TRIALS,
    CORRECTIONS,
    DEFAULT_CELL_TRIALS,
    DEFAULT_TRIALS,
    SAMPLERS,
    SCHEDULERS,
    StudyRequest,
)
from trainables.config import recipes


def parse_request(arguments: Sequence[str] | None = None) -> StudyRequest:
    """Parse a command line. An error that argparse finds ends the process with exit code 2."""
    return StudyRequest(**vars(make_parser().parse_args(arguments)))


def make_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="study/run.py",
        description="Find out which boundary loss helps on your data.",
        # An abbreviation in a script would break with the next option that begins like it.
        allow_abbrev=False,
    )
    _add_question(parser)
    _add_grid(parser)
    _add_prior_studies(parser)
    _add_data(parser)
    _add_places(parser)
    return parser


def _add_question(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to run")
    group.add_argument("--space", help=f"the search space: {', '.join(SPACES)}")
    group.add_argument(
        "--objective",
        default="miou",
        help=f"one of {LISTED}; several, separated by commas, give a Pareto set",
    )
    group.add_argument(
        "--trials",
        type=int,
        help=f"trials of a search, default {DEFAULT_TRIALS}, on built-in data {BUILT_IN_TRIALS}; "
        f"with all_losses: of each loss's own "
        f"search, default {DEFAULT_CELL_TRIALS}, 0 for no search",
    )
    group.add_argument("--epochs", type=int, help="epochs per trial, at most")
    group.add_argument("--sampler", default="tpe", help=f"one of {', '.join(SAMPLERS)}")
    group.add_argument("--scheduler", default="none", help=f"one of {', '.join(SCHEDULERS)}")
    group.add_argument(
        "--confirm",
        type=int,
        metavar="SEEDS",
        help="run the winner of a search against its base on SEEDS other seeds, for a verdict; "
        "default: as many as can decide on the built-in data, else 0",
    )
    group.add_argument(
        "--correction",
        default="max_t",
        help="how a table's p-values are corrected for the number of cells: "
        f"one of {', '.join(CORRECTIONS)}",
    )
    group.add_argument("--seed", type=int, default=0, help="seed of the search and of every trial")
    group.add_argument(
        "--with",
        action="append",
        default=[],
        dest="with_parts",
        metavar="FILE.py",
        help="your own losses, datasets, networks, spaces and grids (docs/plugins.md); may be "
        "repeated",
    )


def _add_grid(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("an ablation instead of a search")
    group.add_argument(
        "--grid",
        metavar="NAME|FILE.yaml",
        help="the ablation: a table of the space, by its name, or your own file",
    )
    group.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="run every cell on the same N seeds; default: the fewest that allow a verdict",
    )
    group.add_argument(
        "--as-published",
        nargs="?",
        const="",
        metavar="SETUP",
        help="take network, data, training and evaluation from the table of --grid; of several "
        "setups, the named one, or the first that can run (--list --grid NAME shows them)",
    )
    group.add_argument("--cells", metavar="NAME,...", help="run only these cells and the baseline")
    group.add_argument(
        "--factor",
        action="append",
        default=[],
        metavar="PATH=OFF,ON,...",
        help="a factor of your own ablation; the baseline has the first value; may be repeated",
    )
    group.add_argument(
        "--mode",
        metavar="one-at-a-time|full|leave-one-out|add-one",
        help="how factors combine into cells; default: one-at-a-time",
    )


def _add_prior_studies(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("with earlier studies of the storage")
    group.add_argument(
        "--winner",
        metavar="NAME",
        help="run the winner of the search NAME again, on fresh seeds",
    )
    group.add_argument(
        "--control",
        metavar="NAME",
        help="run the cells of NAME, whose searches chose different learning rates, at the "
        "baseline's (or --set optim/lr=VALUE)",
    )
    group.add_argument(
        "--horizon",
        metavar="NAME",
        help="run one seed of the baseline and the three best cells of the grid NAME at three "
        "times its epochs: does their order hold?",
    )
    group.add_argument(
        "--replay",
        metavar="NAME/NUMBER",
        help="run one trial again from its record and compare the figures; or the trial's id",
    )
    group.add_argument(
        "--warm-start",
        metavar="NAME[,NAME]",
        help="let the sampler learn from earlier searches of this storage",
    )
    group.add_argument(
        "--fresh",
        action="store_true",
        help="run every trial, even if an earlier study of this storage has run the same",
    )
    group.add_argument(
        "--trust",
        action="store_true",
        help="execute the plug-in in the ledger of --resume, --replay, --winner, --control or "
        "--horizon, which you have not given to --with yourself",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data and network")
    data.add_argument("--dataset", help="default: shapes, the built-in one")
    data.add_argument("--data", metavar="DIR", help="the dataset's folder")
    data.add_argument(
        "--check-data",
        nargs=2,
        metavar=("NAME", "DIR"),
        help="open every file of a dataset and print its statistics, or its bad files",
    )
    data.add_argument(
        "--cache", metavar="auto|on|off", help="whether decoded images stay in memory"
    )
    data.add_argument("--recipe", help=f"a paper's training, one of {', '.join(recipes.RECIPES)}")
    data.add_argument("--weights", metavar="none|imagenet|PATH", help="weights of the backbone")
    data.add_argument(
        "--init",
        metavar="FILE|NAME/NUMBER",
        help="the whole network to start from, heads too: a file, or a trial of an earlier study",
    )
    data.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        dest="changes",
        help="set a config field: --set data/height=120; may be repeated",
    )


def _add_places(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where to run")
    where.add_argument("--workers", type=int, default=1, help="ranks per trial")
    where.add_argument("--lanes", type=int, default=0, help="trials at once; 0: all that fit")
    where.add_argument("--cpus-per-worker", type=float, default=1)
    where.add_argument("--gpus-per-worker", type=float, default=0, help="may be a fraction")
    where.add_argument("--storage", type=Path, help="folder of studies; on a cluster, a shared one")
    where.add_argument("--name", help="name of the study; default: space, dataset and time")
    where.add_argument("--tracking-uri", help="URI of MLflow; default: sqlite:///mlflow.db")
    how = parser.add_argument_group("how to run")
    how.add_argument(
        "--max-hours",
        type=float,
        metavar="N",
        help="start no trial after N hours over all attempts",
    )
    how.add_argument(
        "--max-gpu-hours",
        type=float,
        metavar="N",
        help="the same for GPU hours: those of the GPUs that lanes hold",
    )
    how.add_argument("--resume", metavar="NAME", help="continue an interrupted study")
    how.add_argument(
        "--max-failures",
        type=int,
        default=0,
        metavar="N",
        help="end the study once N trials have raised an error; 0: never",
    )
    how.add_argument(
        "--on-oom",
        default="fail",
        metavar="fail|halve",
        help="what happens to a trial that runs out of memory: it fails, or it restarts once with "
        "half the batch and twice the accumulation",
    )
    how.add_argument(
        "--lane-wait",
        type=float,
        default=30,
        metavar="MINUTES",
        help="stop the study, which can be resumed, once no lane has found room for so long; "
        "default 30, inf: never",
    )
    how.add_argument(
        "--dry-run", action="store_true", help="print the plan and run all checks, but no trial"
    )
    how.add_argument(
        "--list",
        action="store_true",
        dest="list_names",
        help="list spaces, losses, datasets, networks",
    )
    how.add_argument("--verbose", action="store_true", help="show Ray's own messages")
