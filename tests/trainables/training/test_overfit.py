"""A shared encoder learns four tasks of eight scenes by heart."""

import numpy as np
import pytest
import torch

from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

CONFIG = TrialConfig().changed(
    {
        "data/train_images": 8,
        "data/val_images": 1,
        "data/test_images": 1,
        "data/height": 32,
        "data/width": 32,
        "data/flip": False,
        "data/targets": "edge,depth,normals",
        "task/tasks": "semseg,edge,depth,normals",
        "model/width": 16,
        "optim/lr": 0.01,
        "batch": 8,
        "epochs": 150,
    }
)


@pytest.mark.slow
def test_a_shared_encoder_overfits_four_tasks() -> None:
    """Each error is far below that of the best prediction that knows no image."""
    data = load(CONFIG.data)
    images = data.splits["train"]
    data.splits["val"] = images
    run = Training(CONFIG, data, Learned(), torch.device("cpu"))
    for _ in range(CONFIG.epochs):
        losses = run.train_epoch()
    assert isinstance(losses, dict)
    found = run.evaluate().metrics

    depth = images.targets["depth"][images.targets["depth"] > 0]
    assert losses["train/task_depth"] < 0.25 * np.abs(depth - np.median(depth)).mean()
    assert found["depth_rmse"] < 0.4 * depth.std()

    normals = images.targets["normals"].reshape(-1, 3)
    normals = normals[normals.any(axis=1)]
    mean = normals.mean(axis=0) / np.linalg.norm(normals.mean(axis=0))
    angles = np.degrees(np.arccos((normals @ mean).clip(-1, 1)))
    assert found["normals_mean_angle"] < 0.4 * angles.mean()

    labels = images.labels_NHW[images.labels_NHW != 255]
    shares = np.bincount(labels) / labels.size
    assert losses["train/cross_entropy"] < 0.6 * -(shares * np.log(shares + 1e-9)).sum()
    edges = images.targets["edge"]
    edge, none = 0.95 * (edges == 1).mean(), 0.05 * (edges == 0).mean()
    best = edge / (edge + none)
    constant = -edge * np.log(best) - none * np.log(1 - best)
    assert losses["train/task_edge"] < 0.25 * constant
