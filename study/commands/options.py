"""The command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cluster.one_line_parser import OneLineParser
from search_spaces import SPACES
from study.planning.request import (
    DEFAULT_CELL_TRIALS,
    DEFAULT_TRIALS,
    OBJECTIVES,
    SAMPLERS,
    SCHEDULERS,
    StudyRequest,
)
from trainables.config import recipes


def parse_request(arguments: Sequence[str] | None = None) -> StudyRequest:
    """The request of a command line. A mistake that argparse finds ends the process."""
    return StudyRequest(**vars(make_parser().parse_args(arguments)))


def make_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="study/run.py",
        description="Which boundary loss helps on your data? Ask it here.",
        allow_abbrev=False,
    )
    _add_question(parser)
    _add_grid(parser)
    _add_earlier(parser)
    _add_data(parser)
    _add_places(parser)
    return parser


def _add_question(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is asked")
    what.add_argument("--space", help=f"the search space: {', '.join(SPACES)}")
    what.add_argument(
        "--objective",
        default="miou",
        help=f"one of {', '.join(OBJECTIVES)}; several with commas between end in a Pareto set",
    )
    what.add_argument(
        "--trials",
        type=int,
        help=f"of a search, default {DEFAULT_TRIALS}; of all_losses: of each loss's own search, "
        f"default {DEFAULT_CELL_TRIALS}, 0: none",
    )
    what.add_argument("--epochs", type=int, help="epochs a trial, at most")
    what.add_argument("--sampler", default="tpe", help=f"one of {', '.join(SAMPLERS)}")
    what.add_argument("--scheduler", default="none", help=f"one of {', '.join(SCHEDULERS)}")
    what.add_argument("--seed", type=int, default=0, help="of the search and of every trial")
    what.add_argument(
        "--with",
        dest="with_parts",
        metavar="FILE.py",
        help="your own losses, datasets, networks, spaces and grids (docs/plugins.md)",
    )


def _add_grid(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("an ablation instead of a search")
    what.add_argument(
        "--grid",
        metavar="NAME|FILE.yaml",
        help="an ablation instead of a search: a table of the space, or one's own",
    )
    what.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="of a grid: every cell on the same N seeds; default: the fewest that can decide",
    )
    what.add_argument("--cells", metavar="NAME,...", help="of a grid: only these, and its baseline")
    what.add_argument(
        "--factor",
        action="append",
        default=[],
        metavar="PATH=OFF,ON,...",
        help="an ablation of one's own: the baseline has the first value; may be repeated",
    )
    what.add_argument(
        "--mode",
        metavar="one-at-a-time|full|leave-one-out|add-one",
        help="which cells the factors make; default: one-at-a-time",
    )


def _add_earlier(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("from earlier studies of the storage")
    what.add_argument(
        "--winner",
        metavar="NAME",
        help="run the winner of the search NAME again, on seeds that chose nothing",
    )
    what.add_argument(
        "--control",
        metavar="NAME",
        help="run the cells of NAME, whose searches chose different rates, at the baseline's "
        "rate (or --set optim/lr=VALUE)",
    )
    what.add_argument(
        "--replay",
        metavar="NAME/NUMBER",
        help="run one trial again from its record, and compare; or the id of its content",
    )
    what.add_argument(
        "--warm-start",
        metavar="NAME[,NAME]",
        help="tell the sampler what earlier searches of this storage found",
    )
    what.add_argument(
        "--fresh",
        action="store_true",
        help="run what an earlier study of this storage has, too",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("on which data, with which network")
    data.add_argument("--dataset", help="default: shapes, the built-in one")
    data.add_argument("--data", metavar="DIR", help="the dataset's folder")
    data.add_argument(
        "--check-data",
        nargs=2,
        metavar=("NAME", "DIR"),
        help="open every file of a dataset and say what is in it, or which are bad",
    )
    data.add_argument("--cache", metavar="auto|on|off", help="decoded images in memory")
    data.add_argument("--recipe", help=f"a paper's training: {', '.join(recipes.RECIPES)}")
    data.add_argument("--weights", metavar="none|imagenet|PATH", help="of the backbone")
    data.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        dest="changes",
        help="any config field: --set data/height=120; may be repeated",
    )


def _add_places(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where")
    where.add_argument("--workers", type=int, default=1, help="ranks a trial")
    where.add_argument("--lanes", type=int, default=0, help="trials at once; 0: all that fit")
    where.add_argument("--cpus-per-worker", type=float, default=1)
    where.add_argument("--gpus-per-worker", type=float, default=0, help="may be a fraction")
    where.add_argument("--storage", type=Path, help="folder for studies, on a cluster a shared one")
    where.add_argument("--name", help="of the study; default: space, dataset and time")
    where.add_argument("--tracking-uri", help="MLflow; default: sqlite:///mlflow.db")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--max-hours", type=float, metavar="N", help="no trial begins after so many, all attempts"
    )
    how.add_argument(
        "--max-gpu-hours", type=float, metavar="N", help="the same for the GPUs that trials hold"
    )
    how.add_argument("--resume", metavar="NAME", help="continue a study that was cut off")
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
        help="a trial that runs out of memory: failed, or once begun again with half "
        "the batch and twice the accumulation",
    )
    how.add_argument(
        "--lane-wait",
        type=float,
        default=30,
        metavar="MINUTES",
        help="stop, to be resumed, once no lane has found room for so long; default 30, inf: never",
    )
    how.add_argument("--dry-run", action="store_true", help="print the plan, check all, run none")
    how.add_argument(
        "--list", action="store_true", dest="list_names", help="spaces, losses, datasets, models"
    )
    how.add_argument("--verbose", action="store_true", help="show Ray's own messages")
