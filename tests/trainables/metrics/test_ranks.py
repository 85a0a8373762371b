"""Ranks that each count a share of the images all report the metrics of one rank."""

from pathlib import Path

import pytest
import torch

from tests.processes import on_ranks
from tests.trainables.metrics.conftest import random_maps
from trainables.metrics.per_image import ImageCounts, count, empty
from trainables.metrics.summaries import summarize
from trainables.training.ranks import sum_over_ranks

IMAGES = 7


def _rank(rank: int, ranks: int, folder: str) -> None:
    predicted, labels = random_maps(images=IMAGES)
    table = empty(IMAGES, 4, torch.device("cpu"))
    mine = torch.arange(rank, IMAGES, ranks)
    for rows, values in zip(table, count(predicted[mine], labels[mine], 4), strict=True):
        rows[mine] = values
    torch.save(summarize(ImageCounts(*map(sum_over_ranks, table))), f"{folder}/rank{rank}")


@pytest.mark.parametrize("ranks", [2, 3])
def test_every_rank_reports_the_metrics_of_one(tmp_path: Path, ranks: int) -> None:
    on_ranks(ranks, tmp_path, _rank, ranks, str(tmp_path))

    alone = summarize(count(*random_maps(images=IMAGES), 4))
    for rank in range(ranks):
        assert torch.load(tmp_path / f"rank{rank}") == alone
