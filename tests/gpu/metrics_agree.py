"""Counts and distances on the device equal those of the CPU, all of them whole numbers."""

import torch

from tests.benchmarks.losses import scene
from tests.gpu import scale
from tests.gpu.table import Lines, judged
from trainables.geometry.boundaries import VOID
from trainables.geometry.distance import squared_distance
from trainables.metrics.per_image import count

CHECK = "metrics"


def lines(device: torch.device) -> Lines:
    _, classes, rows, columns = scale.of(device).logits
    logits_BKHW, labels_BHW = scene((2, classes, rows, columns), "cpu", torch.float32)
    labels_BHW[:, :2] = VOID
    predicted_BHW = logits_BKHW.argmax(dim=1)
    here = count(predicted_BHW, labels_BHW, classes, (1.0, 1.0), with_holes=True)
    there = count(
        predicted_BHW.to(device), labels_BHW.to(device), classes, (1.0, 1.0), with_holes=True
    )
    for name, table in here._asdict().items():
        other = there._asdict()[name].cpu()
        different = int((table != other).sum())
        yield judged(CHECK, name, "equal", f"{different} of {table.numel()} differ", not different)
    sites_NHW = labels_BHW == 0
    apart = squared_distance(sites_NHW.to(device)).cpu() != squared_distance(sites_NHW)
    text = f"{int(apart.sum())} of {apart.numel()} differ"
    yield judged(CHECK, f"distance transform, {rows}x{columns}", "equal", text, not apart.any())
