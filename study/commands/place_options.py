"""The options that say where and how a study runs."""

import argparse
from pathlib import Path

from study.ledger.gpu_share import AUTO


def _gpus(text: str) -> float | str:
    """The value of ``--gpus-per-worker``."""
    try:
        return text if text == AUTO else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number or {AUTO}, got {text!r}") from None


def add_places(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where to run")
    where.add_argument("--workers", type=int, default=1, help="ranks per trial")
    where.add_argument("--lanes", type=int, default=0, help="trials at once; 0: all that fit")
    where.add_argument("--cpus-per-worker", type=float, default=1)
    where.add_argument(
        "--gpus-per-worker",
        type=_gpus,
        default=0,
        metavar="N|auto",
        help="may be a fraction; auto: the largest trial's first steps run alone on a GPU, and "
        "their memory and utilisation decide how many lanes share one",
    )
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
