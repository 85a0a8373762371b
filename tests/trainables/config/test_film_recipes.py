"""Fine-tuning STM as ABL does: 1,000 steps of four clips on DAVIS 2016."""

from collections import Counter
from pathlib import Path

import pytest

from trainables.config import TrialConfig, recipes
from trainables.data.films import film

LISTS = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "davis2016"
OFFICIAL = LISTS / "official_lists" / "train_parent_480p.txt"


def test_the_papers_numbers_are_in_the_recipe() -> None:
    made = TrialConfig().changed(recipes.changes("stm_davis2016"))
    assert (made.epochs * (made.data.train_images // made.batch), made.batch) == (1000, 4)
    assert made.optim.lr == 5e-8
    assert made.model.freeze_batch_norm
    assert made.data.clip == 3


@pytest.mark.skipif(not OFFICIAL.is_file(), reason="../shared/data/davis2016 is not here")
def test_no_film_of_the_recipe_is_shorter_than_a_clip() -> None:
    """Its images are the first of the training list, which may end within a film."""
    made = TrialConfig().changed(recipes.changes("stm_davis2016"))
    frames = [line.split()[0] for line in OFFICIAL.read_text().splitlines()]
    lengths = Counter(film(name) for name in frames[: made.data.train_images])
    assert len(frames) == 2079
    assert min(lengths.values()) >= made.data.clip
