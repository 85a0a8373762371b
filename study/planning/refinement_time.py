"""How long a dense CRF takes with the images of a study, from a part of one that is timed."""

import time

import torch

from study.ledger.plan import Plan
from study.planning.budget import duration
from study.planning.refinement_checks import largest, refined_configs
from trainables.config import TrialConfig
from trainables.data import Dataset
from trainables.data.batches import to_tensors
from trainables.refinement.dense_crf import dense_crf

_SIDE = 64
"""Rows and columns that are timed."""


def line(plan: Plan, dataset: Dataset) -> dict[str, str]:
    """``the test of each refined network takes about 3 min more``, for the plan; nothing without a
    dense CRF."""
    crf = [config for config in refined_configs(plan) if config.refine.method == "dense_crf"]
    if not crf:
        return {}
    most = duration(max(seconds_of(config, dataset) for config in crf))
    return {"dense CRF": f"the test of each refined network takes about {most} more"}


def seconds_of(config: TrialConfig, dataset: Dataset) -> float:
    """Of the test of one network: the settings that are tried, then the test list."""
    seconds, timed = _timed(config, dataset)
    rows, columns = largest(config, dataset)
    growth = rows * columns / timed
    tried = config.dense_crf.tried if config.dense_crf.tried > 1 else 0
    images = tried * len(dataset.splits["val"]) + len(dataset.splits["test"])
    power = 1 if config.dense_crf.filter == "lattice" else 2
    return float(seconds * images * growth**power)


def _timed(config: TrialConfig, dataset: Dataset) -> tuple[float, int]:
    """Seconds of a part of the first validation image, with the scores of an untrained network,
    and the part's pixels."""
    image_1CHW = to_tensors(dataset.splits["val"], [0]).images_BCHW[..., :_SIDE, :_SIDE]
    rows, columns = image_1CHW.shape[-2:]
    draw = torch.Generator().manual_seed(0)
    logits_1KHW = torch.rand(1, dataset.num_classes, rows, columns, generator=draw)
    start = time.monotonic()
    dense_crf(config.dense_crf)(image_1CHW, logits_1KHW)
    return time.monotonic() - start, rows * columns
