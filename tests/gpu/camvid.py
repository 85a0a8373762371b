"""Real images on the device: CamVid at 360x480, some epochs of two networks."""

import os
import time
from pathlib import Path

import torch

from tests.gpu import scale
from tests.gpu.steps import VARIANTS
from tests.gpu.table import Line, Lines, judged, not_measured
from trainables.config import TrialConfig, Value
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

CHECK = "CamVid"
ROOT = Path(__file__).resolve().parents[2]
FOLDER = "CAMVID"
"""Environment variable that names the dataset's folder."""
NETWORKS = ("fpn", "deeplabv3_r50")


def folder() -> Path | None:
    """Where the dataset is: as the variable says, or beside or in the checkout."""
    named = os.environ.get(FOLDER)
    places = [Path(named)] if named else [ROOT.parent / "shared/data", ROOT / "shared/data"]
    found = [path for place in places for path in (place, place / "camvid_full_jpg")]
    lists = ("train.txt", "CamVid/train.txt")
    return next((path for path in found if any((path / name).exists() for name in lists)), None)


def lines(device: torch.device) -> Lines:
    root = folder()
    if root is None or device.type == "cpu":
        why = "needs a GPU" if root else f"{FOLDER} names no folder with CamVid"
        yield not_measured(CHECK, " and ".join(NETWORKS), why)
        return
    for network in NETWORKS:
        config = scale.trial(scale.REAL, network, **VARIANTS["bf16, channels last"])
        changes: dict[str, Value] = {"data/dataset": "camvid", "data/root": str(root)}
        changes |= {"data/train_images": 0, "data/val_images": 0}
        yield _trained(config.changed(changes), device)


def _trained(config: TrialConfig, device: torch.device) -> Line:
    training = Training(config, load(config.data), Learned(), device)
    before = training.evaluate().metrics["miou"]
    seconds = 0.0
    for _ in range(config.epochs):
        start = time.perf_counter()
        assert isinstance(training.train_epoch(), dict), "the training diverged"
        seconds = time.perf_counter() - start
    after = training.evaluate().metrics["miou"]
    text = f"mIoU {100 * before:.1f} to {100 * after:.1f} %, last epoch {seconds:.1f} s"
    what = f"{config.model.network}, {config.epochs} epochs"
    return judged(CHECK, what, "mIoU rises", text, after > before)
