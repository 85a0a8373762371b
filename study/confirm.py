"""The winner, chosen on the validation list, is measured once on the test list."""

from typing import Any

import ray
import torch

from study.record import TrialRecord
from trainables.checkpoint import Checkpoint
from trainables.config import from_flat
from trainables.data import Dataset
from trainables.losses.compose import Learned
from trainables.training import Training


def measure(
    config: dict[str, Any], state: bytes, dataset: Dataset, device: str
) -> dict[str, float]:
    """Metrics of a checkpoint over the whole test list, named ``test_...``."""
    training = Training(from_flat(config), dataset, Learned(), torch.device(device))
    training.load(state)
    metrics = training.evaluate("test").metrics
    return {f"test_{name}": value for name, value in metrics.items()}


def measure_on_cluster(
    trial: TrialRecord, checkpoint: Checkpoint, dataset: Any, cpus: float, gpus: float
) -> dict[str, float]:
    """``measure`` where a lane's worker would run. ``dataset`` is a reference in the store."""
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus)(measure)
    device = "cuda" if gpus else "cpu"
    config = {**trial.config, "model/weights": "none"}  # the checkpoint has them
    found: dict[str, float] = ray.get(remote.remote(config, checkpoint.state(), dataset, device))
    return found
