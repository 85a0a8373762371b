"""A loss on your own data, in a picture and a table: `python study/explain.py inverseform`.

`inverseform`, `semeda`, `affinity` and `active_boundary` each draw what their paper argues with,
on the test list of `--dataset`. The options are read before what takes seconds to import (torch,
matplotlib).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.one_line_parser import OneLineParser
from cluster.safe_text import printable
from search_spaces import SPACES
from study.commands import process
from study.commands.options import add_named_data
from study.commands.screen import outlived
from study.ledger.typed_command import name_of
from study.planning.base_config import base_config
from study.planning.request import StudyRequest, choice

if TYPE_CHECKING:
    from study.reporting.explanations.explanation import Explanation

EXPLAINED = ("inverseform", "active_boundary", "semeda", "affinity")
"""Names of spaces."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table and the picture. The exit code is 0, or 2 after a user's error."""
    with outlived():
        process.prepare()
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    options = _parse(arguments)
    try:
        choice("WHAT", options.what, EXPLAINED)
        text, picture = _write(options)
    except ValueError as error:
        print(f"{name_of('study/explain.py')}: {printable(str(error))}", file=sys.stderr)
        return 2
    print(f"{text}\n{picture}\n{picture.with_suffix('.md')}")
    return 0


def _write(options: argparse.Namespace) -> tuple[str, Path]:
    """Write the picture and the table beside it; return the table's text and the picture's path."""
    import matplotlib
    import torch

    from study.reporting.figures.style import LITERAL

    torch.set_num_threads(1)  # small layers: more threads cost more than they give
    with matplotlib.rc_context(LITERAL):
        explanation = _explained(options)
        picture: Path = options.out / f"{explanation.name}.png"
        options.out.mkdir(parents=True, exist_ok=True)
        # Without the name of the software, equal pictures are equal files.
        explanation.figure.savefig(picture, dpi=120, metadata={"Software": None})
    picture.with_suffix(".md").write_text(explanation.text)
    return explanation.text, picture


def _explained(options: argparse.Namespace) -> "Explanation":
    from study.reporting.explanations import active_boundary, affinity, inverseform, semeda
    from study.reporting.explanations.explanation import Given
    from trainables.data import load

    request = StudyRequest(
        dataset=options.dataset,
        data=options.data,
        images=options.images,
        masks=options.masks,
        classes=options.classes,
        samples=options.samples,
        split_column=options.split_column,
        changes=options.changes,
        storage=options.storage,
    )
    config = base_config(request, SPACES[options.what].base)
    stages = request.storage_folder() / "stages"
    given = Given(config, load(config.data), stages, options.image, options.model)
    explain = {
        "inverseform": inverseform.explain,
        "active_boundary": active_boundary.explain,
        "semeda": semeda.explain,
        "affinity": affinity.explain,
    }
    return explain[options.what](given)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = OneLineParser(
        prog=name_of("study/explain.py"), description=__doc__, allow_abbrev=False
    )
    parser.add_argument("what", help=f"one of {', '.join(EXPLAINED)}")
    add_named_data(parser)
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="changes")
    parser.add_argument("--image", default="", help="a test image, by name or place; the first")
    parser.add_argument("--model", type=Path, help="affinity: a study's saved network, its folder")
    parser.add_argument("--storage", type=Path, help="folder of studies, which has their stages")
    parser.add_argument("--out", type=Path, default=Path("explained"), help="folder for the result")
    return parser.parse_args(arguments)
