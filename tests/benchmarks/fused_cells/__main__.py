"""Is it worth training the cells of a comparison as one? A prototype, not part of the product.

    python -m tests.benchmarks.fused_cells [equality] [speed] [shares] [--networks tiny,lraspp]
        [--counts 2,4,8] [--size 120x160] [--steps 4] [--rounds 3] [--data DIR]

Processor time of one thread, which others on the machine disturb least.
"""

import argparse
from collections.abc import Mapping
from contextlib import suppress

import torch

from tests.benchmarks.fused_cells.cells import CELLS, Changes
from tests.benchmarks.fused_cells.figures import equality, shares, speed

NETWORKS: Mapping[str, Changes] = {
    "tiny": {"model/network": "tiny"},
    "lraspp": {"model/network": "lraspp"},
    "fpn": {"model/network": "fpn", "model/encoder": "resnet18"},
}
PLACES = (1, 10, 50)


def main() -> None:
    options = _parse()
    torch.set_num_threads(1)
    with suppress(ImportError):
        import cv2

        cv2.setNumThreads(0)
    rows, columns = (int(side) for side in options.size.split("x"))
    where = {"data/name": "camvid", "data/root": options.data} if options.data else {}
    for name in options.networks.split(","):
        changes = {**NETWORKS[name], "data/height": rows, "data/width": columns, **where}
        for what in options.what or ["equality", "speed", "shares"]:
            print(f"\n{name}, {options.size}, {what}", flush=True)
            {"equality": _equality, "speed": _speed, "shares": _shares}[what](changes, options)


def _equality(changes: Changes, options: argparse.Namespace) -> None:
    for optimizer in ("adamw", "sgd"):
        lr = 3e-3 if optimizer == "adamw" else 1e-2
        given = {**changes, "optim/optimizer": optimizer, "optim/lr": lr}
        cells = list(CELLS)[: options.cells]
        print("| optimiser | steps | " + " | ".join(cells) + " |")
        for step, row in equality(cells, given, PLACES).items():
            figures = " | ".join(f"{weight:.0e}, {loss:.0e}" for weight, loss in row)
            print(f"| {optimizer} | {step} | {figures} |", flush=True)


def _speed(changes: Changes, options: argparse.Namespace) -> None:
    print("| K | one after the other, s a step | fused, s a step | ratio | trials per core-hour |")
    for count in map(int, options.counts.split(",")):
        alone, fused = speed(list(CELLS)[:count], changes, options.steps, options.rounds)
        # Of a trial of 1,000 steps.
        rates = [3600 * count / (1000 * seconds) for seconds in (alone, fused)]
        print(
            f"| {count} | {alone:.3f} | {fused:.3f} | {alone / fused:.2f} "
            f"| {rates[0]:.1f}, {rates[1]:.1f} |",
            flush=True,
        )


def _shares(changes: Changes, options: argparse.Namespace) -> None:
    for cell in ("cross-entropy", "+ Lovasz, ABL"):
        for what, ms in shares(changes, options.steps, cell).items():
            print(f"| {cell} | {what} | {ms:.1f} ms |", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", nargs="*", choices=["equality", "speed", "shares"])
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--counts", default="1,2,4,8")
    parser.add_argument("--cells", type=int, default=len(CELLS), help="of the equality")
    parser.add_argument("--size", default="120x160")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", default="", help="CamVid's folder; the built-in scenes if none")
    return parser.parse_args()


if __name__ == "__main__":
    main()
