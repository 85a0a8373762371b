"""A loss on your own data, in a picture and a table: `python study/explain.py inverseform`.

`inverseform`, `semeda`, `affinity` and `active_boundary` each draw what their paper argues with,
on the test list of `--dataset`.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib
import torch

from cluster.one_line_parser import OneLineParser
from cluster.safe_text import printable
from search_spaces import SPACES
from study.commands import process
from study.commands.screen import outlived
from study.ledger.typed_command import name_of
from study.planning.request import StudyRequest, base_config, choice
from study.reporting.explanations import active_boundary, affinity, inverseform, semeda
from study.reporting.explanations.explanation import Explanation, Given
from study.reporting.figures.style import LITERAL
from trainables.data import load

EXPLAINED: Mapping[str, Callable[[Given], Explanation]] = {
    "inverseform": inverseform.explain,
    "active_boundary": active_boundary.explain,
    "semeda": semeda.explain,
    "affinity": affinity.explain,
}
"""By name of a space."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table and the picture. The exit code is 0, or 2 after a user's error."""
    with outlived():
        process.prepare()
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    torch.set_num_threads(1)  # small layers: more threads cost more than they give
    options = _parse(arguments)
    try:
        with matplotlib.rc_context(LITERAL):
            explanation = _explained(options)
            picture = options.out / f"{explanation.name}.png"
            options.out.mkdir(parents=True, exist_ok=True)
            # Without the name of the software, equal pictures are equal files.
            explanation.figure.savefig(picture, dpi=120, metadata={"Software": None})
        table = picture.with_suffix(".md")
        table.write_text(explanation.text)
    except ValueError as error:
        print(f"{name_of('study/explain.py')}: {printable(str(error))}", file=sys.stderr)
        return 2
    print(f"{explanation.text}\n{picture}\n{table}")
    return 0


def _explained(options: argparse.Namespace) -> Explanation:
    what = choice("WHAT", options.what, tuple(EXPLAINED))
    request = StudyRequest(
        dataset=options.dataset,
        data=options.data,
        changes=options.changes,
        storage=options.storage,
    )
    config = base_config(request, SPACES[what].base)
    stages = request.storage_folder() / "stages"
    given = Given(config, load(config.data), stages, options.image, options.model)
    return EXPLAINED[what](given)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = OneLineParser(
        prog=name_of("study/explain.py"), description=__doc__, allow_abbrev=False
    )
    parser.add_argument("what", help=f"one of {', '.join(EXPLAINED)}")
    parser.add_argument("--dataset", help="default: shapes, the built-in one")
    parser.add_argument("--data", metavar="DIR", help="the dataset's folder")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="changes")
    parser.add_argument("--image", default="", help="a test image, by name or place; the first")
    parser.add_argument("--model", type=Path, help="affinity: a study's saved network, its folder")
    parser.add_argument("--storage", type=Path, help="folder of studies, which has their stages")
    parser.add_argument("--out", type=Path, default=Path("explained"), help="folder for the result")
    return parser.parse_args(arguments)
