"""The small STM trains for 200 iterations on the CPU: slow. docs/log.md has its J."""

from pathlib import Path

import pytest
import torch

from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

_WEIGHTS = "tf_efficientnet_lite0_in1k_timm_noclassifier_fp16conv.pth"
WEIGHTS = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "weights" / _WEIGHTS


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS.is_file(), reason="../shared/data/weights is not here")
def test_the_loss_falls_by_half_in_two_hundred_iterations() -> None:
    config = TrialConfig().changed(
        {
            "data/dataset": "moving_shapes",
            "data/height": 48,
            "data/width": 64,
            "data/train_images": 268,  # 67 steps an epoch
            "data/clip": 3,
            "data/clip_skip": 5,
            "data/color_jitter": 0.5,
            "model/network": "stm_small",
            "model/weights": str(WEIGHTS),
            "model/freeze_batch_norm": True,
            "batch": 4,
            "epochs": 3,
            "optim/lr": 1e-3,
        }
    )
    run = Training(config, load(config.data.unaugmented()), Learned(), torch.device("cpu"))
    first, _, last = (run.train_epoch() for _ in range(3))
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert last["train/loss"] < first["train/loss"] / 2
