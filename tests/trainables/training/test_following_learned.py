"""The small STM learns to follow on the CPU: slow. docs/log.md has more figures."""

import pytest
import torch

from tests.trainables.training.followers import CopiesTheMask
from trainables.config import EvalConfig, TrialConfig, recipes
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.metrics.inference import PLAIN
from trainables.training.films import evaluate_films
from trainables.training.training import Training


@pytest.mark.slow
def test_an_epoch_of_the_recipe_beats_a_copy_of_the_first_mask_on_films_not_seen() -> None:
    """From random weights."""
    recipe = recipes.changes("moving_shapes")
    config = TrialConfig().changed({"data/dataset": "moving_shapes", **recipe, "epochs": 1})
    dataset, cpu = load(config.data.unaugmented()), torch.device("cpu")
    unseen = dataset.splits["val"]
    copied = evaluate_films(CopiesTheMask, unseen, 2, cpu, PLAIN, EvalConfig()).metrics
    run = Training(config, dataset, Learned(), cpu)
    run.train_epoch()
    learned = run.evaluate("val").metrics
    assert learned["davis_j"] > copied["davis_j"]
    assert learned["davis_f"] > copied["davis_f"]
