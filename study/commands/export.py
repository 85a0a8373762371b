"""`study/export.py NAME[/NUMBER] --format onnx|torch`: a study's network for other runtimes.

The file takes images (batch,3,height,width) in [0,1] and gives logits (batch,K,height,width), with
free batch, height and width; it is checked against the network before it is written.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.one_line_parser import OneLineParser
from cluster.safe_text import printable
from study.commands import process
from study.commands.all_or_none import all_or_none
from study.commands.screen import outlived
from study.commands.trained_network import find, load
from study.ledger.typed_command import name_of
from trainables.config import require

_SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """The command's options by their names."""

    network: str
    """``NAME`` or ``NAME/NUMBER``."""
    format: str = "onnx"
    out: Path | None = None
    """The file; None: in the study's ``model`` folder."""
    overwrite: bool = False
    storage: Path | None = None
    trust: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file. The exit code is 0, 2 after a user's error, 1 if a package is not installed,
    130 on Ctrl-C."""
    with outlived():
        process.prepare()
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    name = name_of("study/export.py")
    try:
        export(_parse(arguments))
    except (ValueError, ModuleNotFoundError) as error:
        print(f"{name}: {printable(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted; nothing is written", file=sys.stderr)
        return 130
    return 0


def _parse(arguments: Sequence[str] | None) -> ExportRequest:
    parser = OneLineParser(
        prog=name_of("study/export.py"),
        description="Write a study's network for other runtimes.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("network", metavar="NAME[/NUMBER]", help="a study, for its best network, or a trial of it")
    add("--format", default="onnx", help=f"{' or '.join(_SUFFIXES)} (torch.export); default: onnx")
    add("--out", type=Path, metavar="FILE", help="default: in the study's folder model")
    add("--overwrite", action="store_true", help="replace the file if it exists")
    add("--storage", type=Path, help="folder of studies; default: ./runs")
    add("--trust", action="store_true", help="execute the plug-in in the study's ledger")
    return ExportRequest(**vars(parser.parse_args(arguments)))


def export(request: ExportRequest) -> Path:
    """Write the file, print what it takes and gives, and return its path.

    Raises:
        ValueError: one line about an error that the user can fix.
        ModuleNotFoundError: one line; a package is not installed.
    """
    require(request.format in _SUFFIXES, "--format", " or ".join(_SUFFIXES), request.format)
    study, record, trial = find(request.network, request.storage)
    # These take seconds to import.
    from study.planning.plugin import install_from_plan
    from trainables.export import described, exported, outputs_of, smallest_side

    install_from_plan(record.plan, "NAME", request.trust)
    trained = load(study, record, trial, request.trust)
    path = request.out or study.model / f"network{_SUFFIXES[request.format]}"
    with all_or_none(path.parent, [path.name], request.overwrite) as draft:
        content, worst = exported(trained.network, record.data.classes, request.format)
        (draft / path.name).write_bytes(content)
    side, outputs = smallest_side(trained.network), outputs_of(trained.network).items()
    maps = ", ".join(f"{name} (batch, {count}, height, width)" for name, count in outputs)
    method = trained.config.refine.method
    without = "" if method == "none" else f"; without the study's refinement by {method}"
    print(
        f"{trained.what}: {path}; images float {described(trained.network.pixels)}, sides of "
        f"{side} px or more, to {maps}; other sizes and batches "
        f"differ from the network by at most {worst:.1e}{without}"
    )
    return path
