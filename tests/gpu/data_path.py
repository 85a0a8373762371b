"""The ways to make batches beside each other: 8 crops of 512x1024, and how long a step waits."""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.gpu.table import Lines, judged, not_measured, timed
from trainables.config import TrialConfig, Value
from trainables.data import Dataset, load
from trainables.data.batches import Epoch, training_batches
from trainables.data.loader import Loaders
from trainables.data.units import in_units
from trainables.losses.batch import Learned
from trainables.training.training import Training

CHECK = "data path"
_BOUND = 0.05
_CPUS = (5, 9, 17)
"""Of a rank: one process fewer reads."""
_AUGMENTED: Mapping[str, Value] = {"data/scale_min": 0.5, "data/scale_max": 2.0}
_DEFORMED: Mapping[str, Value] = {**_AUGMENTED, "data/rotate": 10.0, "data/elastic": 9.0}


def lines(device: torch.device) -> Lines:
    toy = device.type == "cpu"
    size, count = ((32, 64), 4) if toy else ((512, 1024), 96)
    batch = 2 if toy else 8
    yield judged(CHECK, "bytes and 16 bits to floats", "x / 255 in float32", *_exact(device))
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), count, size)
        crop = {"data/crop_height": size[0], "data/crop_width": size[1], "batch": batch}
        place = {"data/dataset": "folder", "data/root": folder, "data/cache": "on"}
        config = TrialConfig().changed({**place, **crop, **_AUGMENTED})
        decoded = load(config.data.unaugmented())
        held = config.changed({"data/loader": "device"})
        usual = "the threads' but for rounding"
        yield judged(CHECK, "scaled crops", usual, *_apart(held, decoded, device))
        if _has_opencv():
            deformed = held.changed(_DEFORMED)
            yield judged(CHECK, "deformed crops", usual, *_apart(deformed, decoded, device))
        else:
            yield not_measured(CHECK, "deformed crops", "the CPU's need OpenCV")
        what, bound = f"{batch} of {size[0]}x{size[1]}", "at most 5 ms"
        ms = _milliseconds(held, decoded, device, 1)
        yield timed(CHECK, f"{what}, on the device", bound, f"{ms:.1f} ms a batch", ms <= 5, device)
        read = config.changed({"data/loader": "workers", "data/cache": "off"})
        streamed = load(read.data.unaugmented())
        for cpus in () if toy else [each for each in _CPUS if each <= (os.cpu_count() or 1) + 1]:
            ms = _milliseconds(read, streamed, device, cpus)
            text, way = f"{ms:.1f} ms a batch", f"{what} of JPEG, {cpus - 1} processes"
            yield timed(CHECK, way, "at most 100 ms", text, ms <= 100, device)
        cpus = min(os.cpu_count() or 1, max(_CPUS))
        for network in ("tiny",) if toy else ("fpn", "deeplabv3_r50"):
            small: dict[str, Value] = {"model/width": 4} if toy else {"optim/precision": "bf16"}
            ways = [("lists on the device", held, decoded, 1)]
            ways += [] if toy else [("JPEG by processes", read, streamed, cpus)]
            for way, given, data, of in ways:
                trial = given.changed({"model/network": network, "epochs": 2, **small})
                share = _waited(trial, data, device, of)
                what, bound = f"{network} waits, {way}", f"at most {100 * _BOUND:.0f} %"
                text = f"{100 * share:.1f} % of an epoch"
                yield timed(CHECK, what, bound, text, share <= _BOUND, device)


def write(root: Path, count: int, size: tuple[int, int]) -> None:
    """A folder of soft JPEGs, half of their values noise, and masks of five classes."""
    random = np.random.default_rng(0)
    for split, number in (("train", count), ("val", 2), ("test", 2)):
        for part in ("images", "masks"):
            (root / part / split).mkdir(parents=True)
        for index in range(number):
            small = random.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
            image = Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC)
            image.save(root / f"images/{split}/{index}.jpg", quality=90)
            mask = Image.fromarray(small[..., 0] % 5).resize(size[::-1], Image.Resampling.NEAREST)
            mask.save(root / f"masks/{split}/{index}.png")
    (root / "classes.txt").write_text("".join(f"c{index}\n" for index in range(5)))


def _has_opencv() -> bool:
    try:
        import cv2  # noqa: F401
    except ImportError:
        return False
    return True


def _exact(device: torch.device) -> tuple[str, bool]:
    """Whether every byte and every 16-bit value becomes the float that NumPy divides."""
    same = []
    for kind, top in ((torch.uint8, 255), (torch.int16, 65535)):
        expected = np.arange(top + 1, dtype=np.float32) / np.float32(top)
        values = in_units(torch.arange(top + 1).to(kind).to(device))
        same.append(np.array_equal(values.cpu().numpy(), expected))
    return ("equal" if all(same) else "not equal"), all(same)


def _apart(config: TrialConfig, data: Dataset, device: torch.device) -> tuple[str, bool]:
    """How far an epoch of the device is from the same epoch of the CPU's threads."""
    images, epoch = data.splits["train"], Epoch(config.batch, 0, 1, 0, 1)
    ours = Loaders(device).of(data, config.data, config.batch)
    usual = training_batches(images, config.data, **vars(epoch))
    most = other = labels = 0.0
    pairs = list(zip(ours.training(images, config.data, epoch), usual, strict=True))
    for (image, label, _), (expected, known, _) in pairs:
        levels = (255 * (image.cpu() - expected)).round().abs()
        most = max(most, float(levels.max()))
        other += float((levels > 0).float().mean()) / len(pairs)
        labels += float((label.cpu() != known).float().mean()) / len(pairs)
    text = (
        f"at most {most:.0f} of 255, {100 * other:.4f} % of values, {100 * labels:.4f} % of labels"
    )
    return text, most <= 2 and other < 1e-3 and labels < 1e-4


def _milliseconds(config: TrialConfig, data: Dataset, device: torch.device, cpus: int) -> float:
    """Of a batch of the second epoch: in the first lists are copied and processes start."""
    loaders = Loaders(device, cpus)
    loader, images = loaders.of(data, config.data, config.batch), data.splits["train"]
    seconds, batches = 0.0, 1
    for epoch in (1, 2):
        start = time.perf_counter()
        this = Epoch(config.batch, 0, epoch, 0, 1)
        batches = sum(1 for _ in loader.training(images, config.data, this))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - start
    loaders.end()
    return 1000 * seconds / batches


def _waited(config: TrialConfig, data: Dataset, device: torch.device, cpus: int) -> float:
    loaders = Loaders(device, cpus)
    training = Training(config, data, Learned(), device, loaders)
    for _ in range(2):
        training.train_epoch()
    loaders.end()
    return training.wait_share
