"""How fast batches are made: `python tests/benchmarks/loading.py [--part step|rates|device]`.

`step`: the share of a step that waits for its images; FPN on EfficientNet-Lite0 at 360x480, batch
4, on one core, images in memory. The bound is 5 %.
`rates`: images a second on one core, beside a plain PyTorch `DataLoader` whose dataset opens and
augments images by torchvision v2, in turns within one run: 360x480 crops of images in memory, and
512x1024 crops of JPEG and of PNG files that are read each time. The bound is a ratio of 1.
`device`: milliseconds that the host takes to describe a batch to its device, 8 of 512x1024.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from trainables.config import TrialConfig, Value
from trainables.data import load
from trainables.data.batches import Epoch
from trainables.data.dataset import ImageList
from trainables.data.loader import Loaders
from trainables.losses.batch import Learned
from trainables.training.training import Training

_BOUND = 0.05
_PAPERS: dict[str, Value] = {"data/scale_min": 0.5, "data/scale_max": 2.0, "data/brightness": 10.0}
_CPU = torch.device("cpu")
_ROUNDS = 5
_BATCH = 8


def waited_share(changes: dict[str, Value]) -> float:
    """Share of an epoch, after the first, that is spent waiting for the next batch."""
    flat: dict[str, Value] = {
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
    run = Training(config, load(config.data.unaugmented()), Learned(), _CPU)
    run.train_epoch()
    run.train_epoch()
    return run.wait_share


class Plain(TorchDataset[tuple[Tensor, Tensor]]):
    """What a user of torchvision writes: open or index, transform, in [0,1]."""

    def __init__(self, images: ImageList, files: list[tuple[Path, Path]], crop: tuple[int, int]):
        self._images, self._files = images, files
        self._together = v2.Compose(
            [
                v2.RandomResize(crop[0] // 2, crop[0] * 2, antialias=True),
                v2.RandomCrop(crop, pad_if_needed=True, fill={tv_tensors.Mask: 255, "others": 124}),
                v2.RandomHorizontalFlip(),
            ]
        )
        self._colours = v2.Compose(
            [v2.ColorJitter(brightness=0.04), v2.ToDtype(torch.float32, scale=True)]
        )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if self._files:
            image, mask = self._files[index]
            with Image.open(image) as photo, Image.open(mask) as labels:
                pair = v2.functional.pil_to_tensor(photo), torch.from_numpy(np.array(labels))
        else:
            maps = self._images.images_NHWC[index], self._images.labels_NHW[index]
            image_HWC, labels_HW = map(torch.from_numpy, maps)
            pair = image_HWC.permute(2, 0, 1), labels_HW
        image_CHW, labels_HW = self._together(tv_tensors.Image(pair[0]), tv_tensors.Mask(pair[1]))
        return self._colours(image_CHW), labels_HW.long()


def rate(images: Callable[[int], Iterator[Tensor]], epoch: int) -> float:
    """Images a second of one epoch."""
    start, count = perf_counter(), 0
    for images_BCHW in images(epoch):
        count += len(images_BCHW)
    return count / (perf_counter() - start)


def rates(name: str, config: TrialConfig, files: list[tuple[Path, Path]]) -> str:
    """Ours and the plain loader's, in turns, each without processes of its own."""
    data = load(config.data.unaugmented())
    images, crop = data.splits["train"], (config.data.crop_height, config.data.crop_width)
    ours = Loaders(_CPU).of(data, config.data, _BATCH)
    plain = DataLoader(Plain(images, files, crop), _BATCH, shuffle=True, drop_last=True)
    pairs = [
        (
            rate(
                lambda epoch: (
                    made.images_BCHW
                    for made in ours.training(images, config.data, Epoch(_BATCH, 0, epoch, 0, 1))
                ),
                number,
            ),
            rate(lambda _: (images_BCHW for images_BCHW, _ in plain), number),
        )
        for number in range(_ROUNDS + 1)
    ][1:]
    mine, theirs = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(a / b for a, b in pairs)
    return f"{name}: {mine:.0f} images/s, plain DataLoader {theirs:.0f}: ratio {ratio:.2f}"


def written(root: Path, kind: str, count: int, size: tuple[int, int]) -> list[tuple[Path, Path]]:
    """A folder of soft images in this format; returns the training list's files."""
    random, files = np.random.default_rng(0), []
    for split, number in (("train", count), ("val", 2), ("test", 2)):
        for part in ("images", "masks"):
            (root / part / split).mkdir(parents=True)
        for index in range(number):
            small = random.integers(0, 256, (size[0] // 16, size[1] // 16, 3), dtype=np.uint8)
            image = Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC)
            labels = Image.fromarray(small[..., 0] % 19).resize(size[::-1], 0)
            at = (
                root / "images" / split / f"{index}.{kind}",
                root / "masks" / split / f"{index}.png",
            )
            image.save(at[0], quality=90)
            labels.save(at[1])
            if split == "train":
                files.append(at)
    (root / "classes.txt").write_text("".join(f"c{index}\n" for index in range(19)))
    return sorted(files, key=lambda pair: pair[0].name)


def _rates() -> None:
    crop: dict[str, Value] = {"data/crop_height": 360, "data/crop_width": 480, "batch": _BATCH}
    some: dict[str, Value] = {"data/height": 360, "data/width": 480, "data/train_images": 48}
    config = TrialConfig().changed({**some, **_PAPERS, **crop})
    print(rates("360x480 in memory", config, []))
    for kind in ("jpg", "png"):
        with tempfile.TemporaryDirectory() as folder:
            files = written(Path(folder), kind, 24, (512, 1024))
            changes = {**crop, "data/crop_height": 512, "data/crop_width": 1024}
            place = {"data/dataset": "folder", "data/root": folder, "data/cache": "off"}
            streamed = TrialConfig().changed({**_PAPERS, **changes, **place})
            print(rates(f"512x1024 {kind}, read each time", streamed, files))
            load.cache_clear()


def _device() -> None:
    """On a CPU only the part is known that is Python and NumPy: the tables."""
    from trainables.data.device_augment import crops_of

    crop: dict[str, Value] = {"data/crop_height": 512, "data/crop_width": 1024, "batch": _BATCH}
    config = TrialConfig().changed({**_PAPERS, **crop}).data
    epoch, sizes = Epoch(_BATCH, 0, 1, 0, 1), np.array([[1024, 2048]] * _BATCH)
    times = []
    for _ in range(20):
        start = perf_counter()
        for part in crops_of(sizes, (512, 1024), config, epoch.draws(np.arange(_BATCH))):
            part.table(0), part.table(1)
        times.append(perf_counter() - start)
    print(f"tables of 8 crops of 512x1024: {1000 * median(times):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=["step", "rates", "device"])
    part = parser.parse_args().part
    torch.set_num_threads(1)
    if part in (None, "step"):
        for name, changes in (("mirror", {}), ("scale, mirror, brightness", _PAPERS)):
            share = waited_share(dict(changes))
            print(f"{name}: waits {share:.1%} of its time (at most {_BOUND:.0%})")
    if part in (None, "rates"):
        _rates()
    if part in (None, "device"):
        _device()


if __name__ == "__main__":
    main()
