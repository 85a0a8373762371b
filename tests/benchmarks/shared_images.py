"""What decoded images cost on a node: `python tests/benchmarks/shared_images.py`.

Four ranks, each of another lane, read all of the study's images, each with another augmentation.
Their private memory is given in copies of the images: it should be none with the object store, and
one per rank where every rank decodes. The floor is one copy per node.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import psutil
import ray
import torch

from cluster import session
from trainables.config import TrialConfig
from trainables.data import Dataset, load
from trainables.lane.mailbox import LaneSettings, SharedData
from trainables.lane.worker import Worker

_RANKS = 4
_BOUND = 0.1
CONFIG = TrialConfig().changed(
    {
        "data/height": 240,
        "data/width": 320,
        "data/train_images": 100,
        "data/val_images": 20,
        "data/test_images": 20,
    }
)


def num_bytes(dataset: Dataset) -> int:
    return sum(p.images_NHWC.nbytes + p.labels_NHW.nbytes for p in dataset.splits.values())


def read_all(dataset: Dataset) -> None:
    """Touch every pixel; unlike batches, this leaves no memory in the allocator."""
    for part in dataset.splits.values():
        for image_HWC, labels_HW in zip(part.images_NHWC, part.labels_NHW, strict=True):
            image_HWC.max()
            labels_HW.max()


class Rank:
    """A rank's memory before and after it has used its images."""

    def __init__(self, data: SharedData | None) -> None:
        torch.set_num_threads(1)
        settings = LaneSettings(
            workers=1,
            cpus_per_worker=1,
            gpus_per_worker=0,
            storage="",
            stages="",
            study="",
            data=data,
        )
        self.worker = Worker(settings, torch.device("cpu"))
        self.dataset: Dataset | None = None

    def private_bytes(self) -> int:
        return int(psutil.Process(os.getpid()).memory_full_info().uss)

    def use(self, number: int) -> int:
        """How much this process's private memory grows when it reads its images."""
        few = CONFIG.changed({f"data/{split}_images": 1 for split in ("train", "val", "test")})
        read_all(load(few.data))  # so that imports and the first image do not count
        before = self.private_bytes()
        self.dataset = self.worker.dataset(CONFIG.changed({"data/scale_max": 1.0 + number / 10}))
        read_all(self.dataset)
        return self.private_bytes() - before


def copies(data: SharedData | None, dataset_bytes: int) -> list[float]:
    """Copies of the images that each of the ranks holds for itself."""
    actor = ray.remote(num_cpus=0)(Rank)
    ranks = [actor.remote(data) for _ in range(_RANKS)]
    grown = ray.get([rank.use.remote(number) for number, rank in enumerate(ranks)])
    return [value / dataset_bytes for value in grown]


def main() -> int:
    with session.ray_session(2 * 2**30):
        dataset = load(CONFIG.data)
        dataset_bytes = num_bytes(dataset)
        shared = copies(SharedData(CONFIG.data, ray.put(dataset)), dataset_bytes)
        alone = copies(None, dataset_bytes)
    print(
        f"images: {dataset_bytes / 2**20:.0f} MiB decoded, once in the object store; {_RANKS} ranks"
    )
    print(f"held by a rank besides, in copies: {max(shared):.2f} (at most {_BOUND})")
    print(f"the same where every rank decodes: {max(alone):.2f}")
    return int(max(shared) > _BOUND)


if __name__ == "__main__":
    sys.exit(main())
