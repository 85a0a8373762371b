"""The options of `study/run.py`, parsed to a ``StudyRequest``."""

import argparse
from collections.abc import Sequence

from cluster.one_line_parser import OneLineParser
from search_spaces import SPACES
from study.commands.place_options import add_places
from study.ledger.typed_command import name_of
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
from trainables.config.tasks import TASKS


def parse_request(arguments: Sequence[str] | None = None) -> StudyRequest:
    """Parse a command line. An error that argparse finds ends the process with exit code 2."""
    return StudyRequest(**vars(make_parser().parse_args(arguments)))


def make_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=name_of("study/run.py"),
        description="Find out which boundary loss helps on your data.",
        # An abbreviation in a script would break with the next option that begins like it.
        allow_abbrev=False,
    )
    _add_question(parser)
    _add_grid(parser)
    _add_prior_studies(parser)
    _add_data(parser)
    add_places(parser)
    return parser


def _add_question(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to run")
    group.add_argument("--space", help=f"the search space: {', '.join(SPACES)}")
    group.add_argument(
        "--objective",
        help=f"one of {LISTED}; several, separated by commas, give a Pareto set; default: miou, or "
        "the metric of the first task",
    )
    group.add_argument(
        "--tasks",
        metavar="NAME,...",
        help=f"what the networks predict, of {', '.join(TASKS)}; default: semseg",
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
    group.add_argument(
        "--smallest",
        type=float,
        metavar="EFFECT",
        help="the smallest effect that matters, in percentage points (or the metric's unit): a "
        "cell shown to lie within it is the same as the baseline",
    )
    group.add_argument("--seed", type=int, default=0, help="seed of the search and of every trial")
    group.add_argument(
        "--with",
        action="append",
        default=[],
        dest="with_parts",
        metavar="FILE.py",
        help="your own losses, networks, metrics, optimisers, schedules, augmentations, datasets, "
        "spaces and grids (docs/plugins.md); may be repeated",
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
        metavar="N|A..B|A,B,...",
        help="run every cell on the same N seeds; default: the fewest that allow a verdict. A..B: "
        "look at A seeds, halfway and at B, and run no further seed of a cell that is decided",
    )
    group.add_argument(
        "--folds",
        type=int,
        default=0,
        metavar="K",
        help="k-fold cross-validation: run every cell on each of K folds of the training and "
        "validation images, 5 .. 10; with --seeds N on N seeds of each, default 1",
    )
    group.add_argument(
        "--as-published",
        nargs="?",
        const="",
        metavar="SETUP",
        help="take network, data, training and evaluation from the table of --grid; of several "
        "setups, the named one, or the first that can run (--list --grid NAME shows them); all: "
        "every network that was measured as the first one was",
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
        help="run the baseline, the three best cells and the last of the grid NAME at three times "
        "its epochs: does their order hold? On its first seed; with --seeds, on others",
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
        "--no-sharing",
        action="store_true",
        help="run every epoch of every cell, also those that equal another cell's of the same seed",
    )
    group.add_argument(
        "--trust",
        action="store_true",
        help="execute the plug-in in the ledger of --resume, --replay, --winner, --control or "
        "--horizon, which you have not given to --with yourself",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data and network")
    add_named_data(data)
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


def add_named_data(group: argparse._ActionsContainer) -> None:
    """The options that name a dataset and its files."""
    group.add_argument("--dataset", help="default: folder with --data, else the built-in shapes")
    group.add_argument("--data", metavar="DIR", help="the dataset's folder")
    group.add_argument(
        "--images",
        metavar="FOLDER|PATTERN|END|COLUMN",
        help="your images, below DIR: image, '*/images/*.tif', the end of their names, or a column "
        "of a table; default: images",
    )
    group.add_argument(
        "--masks",
        metavar="FOLDER|PATTERN|END|COLUMN",
        help="your masks: label, '*_mask.png', _mask; default: masks",
    )
    group.add_argument(
        "--classes",
        metavar="NAME[=VALUE],...",
        help="your classes: membrane,cell or background=0,vessel=255 or road=128/64/128 or "
        "background,nucleus=nonzero; void=7 is ignored (docs/data.md)",
    )
    group.add_argument(
        "--samples",
        metavar="FILE",
        help="a CSV or TSV file with the paths of images and masks; --images and --masks name its "
        "columns",
    )
    group.add_argument(
        "--split-column", metavar="COLUMN", help="its column with train, val or test"
    )
