"""What each loss costs, as a multiple of cross-entropy in the same run.

    python -m tests.benchmarks.losses [--device cuda] [--dtype bfloat16] [--size 8,19,512,1024]

Forward and backward, targets included. Every round times every loss once, so that other load
on the machine affects all alike; the medians over rounds are compared. On a CPU one thread is used,
and its processor time counted, which others on the machine disturb least. On a GPU times are those
of device events, beside a floor: every input read and every output written once, at the measured
bandwidth of a copy; and what the losses add to a training step follows (``loss_step.py``).
Extra memory is the peak of torch's own allocations above what was there before, as a multiple of
the logits; the gradient of the logits is part of it.

Ends with status 1 where a bound is missed by more than noise: in three of four rounds. The bounds
are for one thread of a CPU at the default size; other runs are printed, not judged.

Shape letters: B images, K classes, H rows, W columns.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.benchmarks import loss_step
from tests.benchmarks.measuring import Work, elapsed, peak_bytes
from trainables.config import LossConfig
from trainables.geometry.boundaries import radius_boundary
from trainables.geometry.signed_distance import signed_distance
from trainables.losses.active_boundary import active_boundary
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.full_divergence import full_divergence
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_softmax
from trainables.losses.rival_terms import RIVAL_TERMS
from trainables.losses.semeda import semeda
from trainables.losses.term import LossTerm
from trainables.stages.edge_net.network import EdgeNet

BOUNDS = {
    "ABL": (2.5, "5.8"),
    "ABL, released": (2.5, "5.8"),
    "Lovasz-softmax": (4.0, "20"),
    "boundary loss and its maps": (5.0, "14.6"),
    "boundary labels by radius": (1.0, "8"),
    "FKL": (2.5, "-"),
    "AR": (0.3, "-"),
    **dict.fromkeys(RIVAL_TERMS, (3.0, "-")),
    "multiclass_unified_focal": (4.0, "-"),
    "l1_ace": (8.0, "-"),
    "affinity_field": (20.0, "-"),
    "dual_task": (20.0, "-"),
    "scnp": (20.0, "-"),
    "rmi": (12.0, "-"),
    "soft_cldice": (130.0, "-"),
}
"""The most that a loss may cost, and what the authors' code costs, from the project's reference.

Both are from a run in which cross-entropy took 24 ms. Where it takes 11, so that the processor
waits less for memory, the authors' way (one torch.sort and two transforms per class) comes to 45
for Lovasz-softmax and 25 for the maps alone. docs/rival_losses.md says why some
rivals cost more than 3.
"""

CONVOLUTIONS = "SEMEDA's convolutions"
SEMEDA_BOUND = 1.3
MEMORY_BOUND = 4.0
MORE_MEMORY = {"scnp": 9.0, "affinity_field": 8.0}
"""Of a pooling and its indices; of logits, their neighbours and the pairs of contacts."""
DEFAULT_SIZE = "2,19,256,512"
_UNBOUND = ("cross-entropy", CONVOLUTIONS)
_ROUNDING = 0.05


def scene(size: tuple[int, ...], device: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Labels: 60 cells per image. Logits: the labels, three pixels off, under noise."""
    images, num_classes, rows, columns = size
    generator = torch.Generator().manual_seed(0)
    seeds = torch.rand(images, 60, 2, generator=generator) * torch.tensor([rows, columns])
    grid = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()
    cells = torch.stack([torch.cdist(grid, seeds_i).argmin(dim=1) for seeds_i in seeds])
    labels = (cells % num_classes).view(images, rows, columns)
    seen = F.one_hot(labels.roll(3, dims=2), num_classes).permute(0, 3, 1, 2)
    logits = 4.0 * seen + torch.randn(*size, generator=generator)
    return logits.to(device, dtype).contiguous().requires_grad_(), labels.to(device)


def backward(loss: Callable[[Tensor, Tensor], LossTerm], logits: Tensor, labels: Tensor) -> Work:
    def work() -> None:
        logits.grad = None
        loss(logits, labels).value().backward()

    return work


def workloads(logits: Tensor, labels: Tensor) -> dict[str, Work]:
    num_classes = logits.shape[1]
    edge_net = EdgeNet(num_classes).requires_grad_(False).to(logits.device)

    def plain() -> None:
        logits.grad = None
        F.cross_entropy(logits, labels).backward()

    prob_BKHW = logits.detach().float().softmax(dim=1).requires_grad_()
    true_BKHW = F.one_hot(labels, num_classes).permute(0, 3, 1, 2).float().contiguous()

    def second_layer(mask_BKHW: Tensor) -> Tensor:
        return next(islice(edge_net(mask_BKHW), 1, None))

    ones = torch.ones_like(second_layer(true_BKHW))

    def convolutions() -> None:
        prob_BKHW.grad = None
        with torch.no_grad():
            second_layer(true_BKHW)
        second_layer(prob_BKHW).backward(ones)

    def released(x: Tensor, y: Tensor) -> LossTerm:
        return active_boundary(x, y, variant="released")

    def edges(x: Tensor, y: Tensor) -> LossTerm:
        return semeda(x, y, edge_net=edge_net)

    return {
        "cross-entropy": plain,
        "ABL": backward(active_boundary, logits, labels),
        "ABL, released": backward(released, logits, labels),
        "Lovasz-softmax": backward(lovasz_softmax, logits, labels),
        "boundary loss and its maps": backward(boundary_loss, logits, labels),
        "its maps alone": lambda: (signed_distance(labels, num_classes), None)[1],
        "boundary labels by radius": lambda: (radius_boundary(labels, num_classes), None)[1],
        "FKL": backward(full_divergence, logits, labels),
        "AR": backward(affinity_regression, logits, labels),
        "generalised Dice": backward(generalised_dice, logits, labels),
        "SEMEDA": backward(edges, logits, labels),
        CONVOLUTIONS: convolutions,
        **{
            name: backward(partial(loss, LossConfig()), logits, labels)
            for name, loss in RIVAL_TERMS.items()
        },
    }


def floor_ms(logits: Tensor, labels: Tensor) -> float:
    """Milliseconds to read logits and labels and write a gradient, as fast as a copy goes."""
    source, target = logits.detach(), torch.empty_like(logits)
    device = logits.device.type
    copy = statistics.median(
        elapsed(lambda: (target.copy_(source), None)[1], device) for _ in range(9)
    )
    return copy * (1 + labels.nbytes / (2 * logits.nbytes))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--size", default=DEFAULT_SIZE, help="images,classes,rows,columns")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def measured(
    works: dict[str, Work], logits: Tensor, rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Milliseconds in every round, and peak memory as a multiple of the logits."""
    memory = {}
    for name, work in works.items():
        logits.grad = None
        memory[name] = peak_bytes(work, logits.device.type) / logits.nbytes
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(elapsed(work, logits.device.type))
    return times, memory


def missed(times: dict[str, list[float]], memory: dict[str, float]) -> list[str]:
    """The bounds that are missed by more than noise."""

    def least(name: str, base: str) -> float:
        """The multiple that three of four rounds exceed."""
        ratios = sorted(a / b for a, b in zip(times[name], times[base], strict=True))
        return ratios[len(ratios) // 4]

    wrong = [
        f"{name}: {least(name, 'cross-entropy'):.2f} times cross-entropy, at most {bound}"
        for name, (bound, _) in BOUNDS.items()
        if least(name, "cross-entropy") > bound
    ]
    if least("SEMEDA", CONVOLUTIONS) > SEMEDA_BOUND:
        wrong.append(f"SEMEDA: more than {SEMEDA_BOUND} times its convolutions")
    return wrong + [
        f"{name}: {held:.1f} times the logits, at most {MORE_MEMORY.get(name, MEMORY_BOUND)}"
        for name, held in memory.items()
        if name not in _UNBOUND and held > MORE_MEMORY.get(name, MEMORY_BOUND) + _ROUNDING
    ]


def print_table(times: dict[str, list[float]], memory: dict[str, float]) -> None:
    median = {name: statistics.median(values) for name, values in times.items()}
    print("| loss | ms | x cross-entropy | at most | [public code] | memory, x logits | at most |")
    print("|---|---|---|---|---|---|---|")
    for name, ms in median.items():
        bound, public = BOUNDS.get(name, ("-", "-"))
        ratio = ms / median["cross-entropy"]
        allowed = "-" if name in _UNBOUND else MORE_MEMORY.get(name, MEMORY_BOUND)
        print(
            f"| {name} | {ms:.1f} | {ratio:.2f} | {bound} | [{public}] "
            f"| {memory[name]:.1f} | {allowed} |"
        )
    convolutions = median["SEMEDA"] / median[CONVOLUTIONS]
    print(f"\nSEMEDA over its convolutions alone: {convolutions:.2f} (at most {SEMEDA_BOUND})")


def main() -> int:
    options = parsed()
    torch.set_num_threads(1)
    with suppress(ImportError):
        import cv2

        cv2.setNumThreads(0)
    size = tuple(int(side) for side in options.size.split(","))
    dtype = getattr(torch, options.dtype)
    logits, labels = scene(size, options.device, dtype)
    times, memory = measured(workloads(logits, labels), logits, options.rounds)
    print(f"{options.device}, {options.dtype}, {options.size}, {options.rounds} rounds")
    print(f"bytes floor of a loss: {floor_ms(logits, labels):.2f} ms\n")
    print_table(times, memory)
    if options.device == "cuda":
        loss_step.print_table(size, dtype, options.rounds, options.device)
    if (options.device, options.dtype, options.size) != ("cpu", "float32", DEFAULT_SIZE):
        return 0
    wrong = missed(times, memory)
    print("\n".join(f"missed: {line}" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
