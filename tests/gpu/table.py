"""What `make gpu` writes: one line for each thing it looks at, in the form of `docs/gpu.md`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

Verdict = Literal["holds", "falls short", "not measured"]


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    check: str
    """Name of the check that it belongs to."""
    what: str
    bound: str
    """What must hold, in words; "-" for a figure without a bound."""
    measured: str
    verdict: Verdict


Lines = Iterator[Line]


def judged(check: str, what: str, bound: str, measured: str, good: bool) -> Line:
    return Line(check, what, bound, measured, "holds" if good else "falls short")


def timed(
    check: str, what: str, bound: str, measured: str, good: bool, device: torch.device
) -> Line:
    """A line about speed, which a CPU at toy size says nothing of."""
    if device.type == "cpu":
        return Line(check, what, bound, f"{measured} (a CPU, toy size)", "not measured")
    return judged(check, what, bound, measured, good)


def not_measured(check: str, what: str, why: str) -> Line:
    return Line(check, what, "-", why, "not measured")


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def page(device: str, lines: Sequence[Line], seconds: float) -> str:
    """The Markdown of `docs/gpu.md`."""
    counts = {
        word: sum(line.verdict == word for line in lines)
        for word in ("holds", "falls short", "not measured")
    }
    head = ", ".join(f"{count} {word}" for word, count in counts.items())
    rows = [
        f"| {line.check} | {line.what} | {line.bound} | {line.measured} | {line.verdict} |"
        for line in lines
    ]
    return "\n".join(
        [
            "# Edgewise on a GPU",
            "",
            f"Written by `make gpu` on {device}, torch {torch.__version__}, in {seconds:.0f} s: "
            f"{head}. [training_on_gpus.md](training_on_gpus.md) has the defaults.",
            "",
            "| check | what | must be | measured | verdict |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
