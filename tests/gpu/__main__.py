"""`make gpu`: what Edgewise does on this machine's GPU, as a table, within eight minutes.

    python -m tests.gpu [--device cuda] [--minutes 8] [--out FILE] [--only CHECK]

Each check runs in a process of its own, so that none can spoil another, and the table is written
after every line: an interrupted run keeps what it has. On a CPU all of them run in this process,
at toy size, which shows only that they work. The status is 1 if a line falls short.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile, gettempdir
from threading import Timer

import torch

from tests.gpu.checks import CHECKS
from tests.gpu.table import Line, device_name, not_measured, page

_LEAST_S = 15
"""A check that has less time left is not begun."""

Give = Callable[[Line], None]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("--device must be cpu on a machine without a GPU, got cuda", file=sys.stderr)
        return 2
    if device.type == "cpu":
        torch.set_num_threads(1)  # toy sizes: more threads cost more than they give
    if options.check:
        for line in CHECKS[options.check].lines(device):
            print(json.dumps(asdict(line)), flush=True)
        return 0
    usual = Path("docs/gpu.md") if device.type == "cuda" else Path(gettempdir(), "gpu-dry.md")
    out = options.out or usual
    lines: list[Line] = []
    start = time.monotonic()

    def give(line: Line) -> None:
        lines.append(line)
        print(f"{line.verdict:12}  {line.check}: {line.what}: {line.measured}", flush=True)
        seconds = time.monotonic() - start
        out.write_text(page(device_name(device), lines, seconds))

    for name in [options.only] if options.only else CHECKS:
        left = 60 * options.minutes - (time.monotonic() - start)
        if left < _LEAST_S:
            give(not_measured(name, "all of it", f"no time left of {options.minutes:g} min"))
        elif device.type == "cpu":
            _run_here(name, device, give)
        else:
            _run_apart(name, device, min(left, CHECKS[name].seconds), give)
    print(out)
    return int(any(line.verdict == "falls short" for line in lines))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make gpu", description="Edgewise on this GPU.")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 .., or cpu at toy size")
    parser.add_argument("--minutes", type=float, default=8.0, help="for all checks together")
    parser.add_argument("--out", type=Path, help="docs/gpu.md; of a CPU, a temporary file")
    parser.add_argument("--only", default="", choices=["", *CHECKS], help="one check alone")
    parser.add_argument("--check", default="", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _run_here(name: str, device: torch.device, give: Give) -> None:
    try:
        for line in CHECKS[name].lines(device):
            give(line)
    except Exception as error:  # one check's fault is a line, and the others follow
        give(_fault(name, f"{type(error).__name__}: {error}"))


def _run_apart(name: str, device: torch.device, seconds: float, give: Give) -> None:
    """Run a check in a process of its own, which is ended after so many seconds."""
    command = [sys.executable, "-m", "tests.gpu", "--device", str(device), "--check", name]
    with (
        TemporaryFile("w+") as errors,
        Popen(command, stdout=PIPE, stderr=errors, text=True) as run,
    ):
        ending = Timer(seconds, run.kill)
        ending.start()
        assert run.stdout is not None
        for text in run.stdout:
            give(Line(**json.loads(text)))
        code = run.wait()
        late = not ending.is_alive()
        ending.cancel()
        if late:
            give(not_measured(name, "the rest", f"ended after {seconds:.0f} s"))
        elif code:
            errors.seek(0)
            give(_fault(name, (errors.read().strip() or f"exit code {code}").splitlines()[-1]))


def _fault(name: str, reason: str) -> Line:
    return Line(name, "the rest", "no error", reason[:200], "falls short")


if __name__ == "__main__":
    sys.exit(main())
