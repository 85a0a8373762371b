"""Processes that count a part of the images each report what one reports of all."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tests.trainables.metrics.conftest import random_maps
from trainables.metrics.per_image import count, empty, sum_over_ranks, summarize

IMAGES = 7


def _rank(rank: int, ranks: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=ranks
    )
    predicted, labels = random_maps(images=IMAGES)
    table = empty(IMAGES, 4, torch.device("cpu"))
    mine = torch.arange(rank, IMAGES, ranks)
    for rows, values in zip(table, count(predicted[mine], labels[mine], 4), strict=True):
        rows[mine] = values
    torch.save(summarize(sum_over_ranks(table)), f"{folder}/rank{rank}")
    dist.destroy_process_group()


@pytest.mark.parametrize("ranks", [2, 3])
def test_every_rank_reports_the_metrics_of_one(tmp_path: Path, ranks: int) -> None:
    mp.spawn(_rank, (ranks, str(tmp_path)), nprocs=ranks)

    alone = summarize(sum_over_ranks(count(*random_maps(images=IMAGES), 4)))
    for rank in range(ranks):
        assert torch.load(tmp_path / f"rank{rank}") == alone
