"""What each loss adds to a training step of DeepLabV3 on ResNet-50, beside cross-entropy.

Shape letters: B images, K classes, H rows, W columns.
"""

import statistics
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.segmentation import deeplabv3_resnet50

from tests.benchmarks.measuring import elapsed
from trainables.losses.active_boundary import active_boundary
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.full_divergence import full_divergence
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_softmax
from trainables.losses.semeda import semeda
from trainables.losses.term import LossTerm
from trainables.stages.edge_net.network import EdgeNet

Loss = Callable[[Tensor, Tensor], LossTerm]
_WARM_UP = 2
TOGETHER = "+ these boundary losses together"


def print_table(size: tuple[int, ...], dtype: torch.dtype, rounds: int, device: str) -> None:
    times = medians(size, dtype, rounds, device)
    plain = times["cross-entropy"]
    print("\n| DeepLabV3-ResNet-50, a step | ms | over cross-entropy alone |\n|---|---|---|")
    for name, ms in times.items():
        print(f"| {name} | {ms:.1f} | {100 * (ms / plain - 1):+.1f} % |")


def medians(
    size: tuple[int, ...], dtype: torch.dtype, rounds: int, device: str
) -> dict[str, float]:
    """Milliseconds of a step, by the losses that it adds to cross-entropy. ``TOGETHER`` is all but
    Lovasz-softmax, which is no boundary loss."""
    images, num_classes, rows, columns = size
    model = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=num_classes)
    model = model.to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images_B3HW = torch.randn(images, 3, rows, columns, device=device)
    cells_BHW = torch.randint(0, num_classes, (images, rows // 64 + 1, columns // 64 + 1))
    labels_BHW = cells_BHW.repeat_interleave(64, 1).repeat_interleave(64, 2)
    labels_BHW = labels_BHW[:, :rows, :columns].contiguous().to(device)

    def step(losses: list[Loss]) -> None:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            logits_BKHW = model(images_B3HW)["out"]
        total = F.cross_entropy(logits_BKHW.float(), labels_BHW)
        for loss in losses:
            total = total + loss(logits_BKHW, labels_BHW).value()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    boundary = boundary_losses(num_classes, device)
    recipes: dict[str, list[Loss]] = {"cross-entropy": [], "+ Lovasz-softmax": [lovasz_softmax]}
    recipes |= {f"+ {name}": [loss] for name, loss in boundary.items()}
    recipes[TOGETHER] = list(boundary.values())
    times: dict[str, list[float]] = {name: [] for name in recipes}
    warm_up = 0 if device == "cpu" else _WARM_UP
    for number in range(warm_up + rounds):
        for name, losses in recipes.items():
            ms = elapsed(partial(step, losses), device)
            if number >= warm_up:
                times[name].append(ms)
    return {name: statistics.median(values) for name, values in times.items()}


def boundary_losses(num_classes: int, device: str) -> dict[str, Loss]:
    edge_net = EdgeNet(num_classes).requires_grad_(False).to(device)
    return {
        "ABL": active_boundary,
        "FKL": full_divergence,
        "boundary loss": boundary_loss,
        "SEMEDA": lambda x, y: semeda(x, y, edge_net=edge_net),
        "AR": affinity_regression,
    }
