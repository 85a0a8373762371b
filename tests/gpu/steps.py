"""Epochs of networks in several precisions: images a second, and the share that data takes."""

import time
from collections.abc import Mapping

import torch

from tests.gpu import scale
from tests.gpu.table import Lines, not_measured, timed
from trainables.config import TrialConfig, Value
from trainables.data import load
from trainables.data.batches import training_batches
from trainables.losses.batch import Learned
from trainables.training.training import Training

CHECK = "steps"
COMPILING = "compiled steps"
VARIANTS: Mapping[str, Mapping[str, Value]] = {
    "fp32": {},
    "bf16": {"optim/precision": "bf16"},
    "bf16, channels last": {"optim/precision": "bf16", "optim/channels_last": True},
    "as a study plans it": {
        "optim/precision": "bf16",
        "optim/channels_last": True,
        "optim/fused": True,
        "optim/cudnn_benchmark": True,
        "optim/tf32": "none",
    },
}
COMPILED: Mapping[str, Value] = {**VARIANTS["bf16, channels last"], "optim/compile": True}
_DATA_SHARE = 0.05
"""The most that a step may wait for data."""


def lines(device: torch.device) -> Lines:
    size = scale.of(device)
    for network in size.networks:
        plain = 0.0
        for name, changes in VARIANTS.items():
            rate = images_a_second(scale.trial(size, network, **changes), device)
            plain = plain or rate
            bound, good = "-" if name == "fp32" else "faster than fp32", rate >= plain
            yield timed(CHECK, f"{network}, {name}", bound, f"{rate:.0f} images/s", good, device)
    yield from _data(device)


def compiled_lines(device: torch.device) -> Lines:
    size = scale.of(device)
    if device.type == "cpu":
        yield not_measured(COMPILING, "two networks", "needs a GPU; a CPU compiles for minutes")
        return
    for network in size.networks[:2]:
        usual = scale.trial(size, network, **VARIANTS["bf16, channels last"])
        eager = images_a_second(usual, device)
        start = time.perf_counter()
        rate = images_a_second(scale.trial(size, network, **COMPILED), device)
        text = (
            f"{rate:.0f} against {eager:.0f} images/s, {time.perf_counter() - start:.0f} s in all"
        )
        what = f"{network}, compiled"
        yield timed(COMPILING, what, "faster than not", text, rate >= eager, device)


def _data(device: torch.device) -> Lines:
    size = scale.of(device)
    config = scale.trial(size, size.networks[0], **VARIANTS["bf16, channels last"])
    alone = config.data.train_images / _seconds_of_batches(config)
    needed = images_a_second(config, device)
    share = needed / alone
    text = f"{100 * share:.1f} % of an epoch at {alone:.0f} images/s"
    what = "batches made on the CPU"
    bound = f"at most {100 * _DATA_SHARE:.0f} % of an epoch"
    yield timed(CHECK, what, bound, text, share <= _DATA_SHARE, device)


def _seconds_of_batches(config: TrialConfig) -> float:
    images = load(config.data).splits["train"]
    start = time.perf_counter()
    for _ in training_batches(
        images, config.data, batch=config.batch, seed=0, epoch=1, rank=0, ranks=1
    ):
        pass
    return time.perf_counter() - start


def images_a_second(config: TrialConfig, device: torch.device) -> float:
    """Of the second epoch: the first chooses kernels, and compiles."""
    training = Training(config, load(config.data), Learned(), device)
    training.train_epoch()
    start = time.perf_counter()
    training.train_epoch()
    return config.data.train_images / (time.perf_counter() - start)
