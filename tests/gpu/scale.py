"""How large the checks are: on a GPU as in use, on a CPU just large enough to run."""

from dataclasses import dataclass

import torch

from trainables.config import TrialConfig, Value


@dataclass(frozen=True)
class Scale:
    rows: int
    columns: int
    batch: int
    images: int
    """Of the training list."""
    logits: tuple[int, int, int, int]
    """Images, classes, rows and columns of the logits that losses are timed on."""
    networks: tuple[str, ...]
    pooled: tuple[str, ...]
    """Networks with pooled bins, whose usual gradient has no fixed order on a GPU."""
    rounds: int
    """How often a time is taken."""
    processes: tuple[int, ...]
    """Trainings beside each other."""
    seconds: float
    """How long they run."""


REAL = Scale(
    rows=360,
    columns=480,
    batch=8,
    images=64,
    logits=(8, 19, 512, 1024),
    networks=("fpn", "deeplabv3_r50", "hrnet_w18"),
    pooled=("pspnet_r101",),
    rounds=9,
    processes=(1, 2, 4, 8),
    seconds=8.0,
)
TOY = Scale(
    rows=32,
    columns=32,
    batch=2,
    images=4,
    logits=(2, 3, 16, 32),
    networks=("tiny",),
    pooled=(),
    rounds=1,
    processes=(1,),
    seconds=0.1,
)


def of(device: torch.device) -> Scale:
    return TOY if device.type == "cpu" else REAL


def trial(scale: Scale, network: str, **changes: Value) -> TrialConfig:
    """A training on the built-in scenes."""
    return TrialConfig().changed(
        {
            "data/height": scale.rows,
            "data/width": scale.columns,
            "data/train_images": scale.images,
            "data/val_images": max(2, scale.images // 8),
            "data/test_images": 1,
            "model/network": network,
            "batch": scale.batch,
            "epochs": 3,
            **({"model/width": 4} if network == "tiny" else {}),
            **changes,
        }
    )
