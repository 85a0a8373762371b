"""How long a training step waits for its images: `python tests/benchmarks/loading.py`.

FPN on EfficientNet-Lite0 at 360x480, batch 4, on one core, images in memory; with the mirror alone
and with the papers' augmentation. The bound is 5 % of the step's time.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import torch
from torch import Tensor

from trainables.config import TrialConfig
from trainables.data import load
from trainables.data.batches import training_batches
from trainables.losses.batch import Learned
from trainables.training import training

_BOUND = 0.05
_PAPERS = {"data/scale_min": 0.5, "data/scale_max": 2.0, "data/brightness": 10.0}


def waited_share(changes: dict[str, float | str]) -> float:
    """Share of an epoch, after the first, that is spent waiting for the next batch."""
    flat: dict[str, float | str] = {
        "model/network": "fpn",
        "data/height": 360,
        "data/width": 480,
        "data/train_images": 24,
        "data/val_images": 1,
        "data/test_images": 1,
        "batch": 4,
        **changes,
    }
    config = TrialConfig().changed(flat)
    waited = [0.0]

    def timed(*arguments: object, **options: object) -> Iterator[tuple[Tensor, Tensor]]:
        batches = iter(training_batches(*arguments, **options))  # type: ignore[arg-type]
        while True:
            begin = monotonic()
            pair = next(batches, None)
            waited[0] += monotonic() - begin
            if pair is None:
                return
            yield pair

    training.training_batches = timed
    run = training.Training(config, load(config.data), Learned(), torch.device("cpu"))
    run.train_epoch()
    waited[0] = 0.0
    begin = monotonic()
    run.train_epoch()
    return waited[0] / (monotonic() - begin)


def main() -> None:
    torch.set_num_threads(1)
    for name, changes in (("mirror", {}), ("scale, mirror, brightness", _PAPERS)):
        share = waited_share(dict(changes))
        print(f"{name}: waits {share:.1%} of its time (at most {_BOUND:.0%})")


if __name__ == "__main__":
    main()
