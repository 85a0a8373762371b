"""An example of a plug-in: an optimiser, a schedule, an augmentation, a metric, a space of them.

python study/run.py --with docs/my_training.py --space lion --objective mean_recall
"""

import numpy as np
import torch
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution

from search_spaces import Dimension, Space
from trainables.metrics.plugin_metric import ImageMetric

Map = NDArray[np.int64]


class Lion(torch.optim.Optimizer):
    """Chen et al., 2023, "Symbolic discovery of optimization algorithms", Algorithm 2."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                direction = momentum.lerp(weight.grad, 1 - group["beta_1"]).sign()
                weight.sub_(group["lr"] * (direction + group["weight_decay"] * weight))
                momentum.lerp_(weight.grad, 1 - group["beta_2"])


def lion(
    groups: list[dict[str, object]],
    lr: float,
    weight_decay: float,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.99,
) -> Lion:
    more = {"lr": lr, "weight_decay": weight_decay, "beta_1": beta_1, "beta_2": beta_2}
    return Lion(groups, more)


def steps(progress: float, *, gamma: float = 0.1, drops: int = 2) -> float:
    """The rate falls by ``gamma`` after each of ``drops + 1`` equal parts of the training."""
    return gamma ** min(int(progress * (drops + 1)), drops)


def noise(
    image_HWC: NDArray[np.uint8],
    labels_HW: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    strength: float = 10.0,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    noisy = image_HWC + rng.normal(0, strength, image_HWC.shape)
    return noisy.round().clip(0, 255).astype(np.uint8), labels_HW


def recall_counts(predicted_HW: Map, labels_HW: Map, num_classes: int) -> NDArray[np.float64]:
    """The right pixels of each class, then all of each class; 255 is void."""
    right_HW = labels_HW[predicted_HW == labels_HW]
    valid_HW = labels_HW[labels_HW != 255]
    both = (np.bincount(each, minlength=num_classes) for each in (right_HW, valid_HW))
    return np.concatenate(list(both)).astype(np.float64)


def mean_recall(total: NDArray[np.float64]) -> float:
    """Of the sum over the images: the mean of the recalls of the classes that occur."""
    right_K, all_K = np.split(total, 2)
    return float(np.mean(right_K[all_K > 0] / all_K[all_K > 0])) if all_K.any() else float("nan")


OPTIMIZERS = {"lion": lion}  # optim/optimizer=lion, its parameters optim/lion_beta_1 ...
SCHEDULES = {"steps": steps}  # optim/schedule=steps, optim/steps_gamma ...
AUGMENTATIONS = {"noise": noise}  # data/noise is its probability, data/noise_strength ...
METRICS = {"mean_recall": ImageMetric(recall_counts, mean_recall, source="recall, class mean")}

SPACES = {
    "lion": Space(
        name="lion",
        question="Does Lion train better, and at which rate?",
        base={"optim/optimizer": "lion", "optim/schedule": "steps", "data/noise": 0.5},
        dimensions=(
            Dimension(
                path="optim/lr",
                distribution=FloatDistribution(1e-5, 1e-2, log=True),
                why="the paper uses a 3 to 10 times lower one than AdamW's",
            ),
            Dimension(
                path="optim/lion_beta_1",
                distribution=FloatDistribution(0.8, 0.99),
                why="the paper has 0.9, and 0.95 for language",
            ),
            Dimension(
                path="data/noise_strength",
                distribution=FloatDistribution(1.0, 30.0, log=True),
                why="grey levels; 30 hides small objects",
            ),
        ),
    )
}
