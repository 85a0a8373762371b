"""What each loss costs, as a multiple of cross-entropy in the same run.

    python -m tests.benchmarks.losses [--device cuda] [--dtype bfloat16] [--size 8,19,512,1024]

Forward and backward, targets included. Every round times every loss once, so that whatever else the
machine does falls on all alike; the medians over rounds are compared. On a CPU one thread is used,
and its processor time counted, which others on the machine disturb least.
Extra memory is the peak of torch's own allocations above what was there before, as a multiple of
the logits; the gradient of the logits is part of it.

Shape letters: B images, K classes, H rows, W columns.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.geometry.boundaries import radius_boundary
from trainables.geometry.signed_distance import signed_distance
from trainables.losses.active_boundary import active_boundary
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.full_divergence import full_divergence
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_softmax
from trainables.losses.semeda import semeda
from trainables.losses.term import LossTerm
from trainables.networks.edge_net import EdgeNet

Work = Callable[[], None]

BOUNDS = {
    "ABL": (2.5, "5.8"),
    "ABL, released": (2.5, "5.8"),
    "Lovasz-softmax": (4.0, "20"),
    "boundary loss and its maps": (5.0, "14.6"),
    "boundary labels by radius": (1.0, "8"),
    "FKL": (2.5, "-"),
    "AR": (0.3, "-"),
}
"""The most a loss may cost, and what the authors' code does.

Both are from a run in which cross-entropy took 24 ms. Where it takes 11, so that the processor
waits less for memory, the authors' way (a torch.sort a class, two transforms a class) comes to 45
for Lovasz-softmax and 25 for the maps alone.
"""


def scene(size: tuple[int, ...], device: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Labels: 60 cells an image. Logits: the labels, three pixels off, under noise."""
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
        "SEMEDA's convolutions": convolutions,
    }


def elapsed(work: Work, device: str) -> float:
    """Milliseconds: by device events on a GPU, of the processor on a CPU."""
    if device == "cpu":
        start = time.process_time()
        work()
        return 1e3 * (time.process_time() - start)
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    before.record()
    work()
    after.record()
    after.synchronize()
    return before.elapsed_time(after)


def peak_bytes(work: Work, device: str) -> int:
    """The most that was allocated at once while it ran."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(profile_memory=True) as profiler:
        work()
    assert profiler.profiler is not None
    events = profiler.profiler.kineto_results.events()
    steps = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    held = peak = 0
    for _, step in sorted(steps, key=lambda step: step[0]):
        held += step
        peak = max(peak, held)
    return peak


def copy_floor(logits: Tensor, device: str) -> float:
    """Milliseconds to read the logits and write a gradient, at the measured copy bandwidth."""
    source, target = logits.detach(), torch.empty_like(logits)
    return statistics.median(
        elapsed(lambda: (target.copy_(source), None)[1], device) for _ in range(9)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--size", default="2,19,256,512")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    size = tuple(int(side) for side in options.size.split(","))
    logits, labels = scene(size, options.device, getattr(torch, options.dtype))
    works = workloads(logits, labels)

    memory = {}
    for name, work in works.items():
        logits.grad = None
        memory[name] = peak_bytes(work, options.device)
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(options.rounds):
        for name, work in works.items():
            times[name].append(elapsed(work, options.device))
    median = {name: statistics.median(values) for name, values in times.items()}
    unit = logits.numel() * logits.element_size()

    print(f"{options.device}, {options.dtype}, {options.size}, {options.rounds} rounds")
    print(f"bytes floor: {copy_floor(logits, options.device):.2f} ms\n")
    print("| loss | ms | x cross-entropy | at most | [public code] | memory, x logits |")
    print("|---|---|---|---|---|---|")
    for name, ms in median.items():
        bound, public = BOUNDS.get(name, (None, "-"))
        ratio, held = ms / median["cross-entropy"], memory[name] / unit
        print(f"| {name} | {ms:.1f} | {ratio:.2f} | {bound or '-'} | [{public}] | {held:.1f} |")
    convolutions = median["SEMEDA"] / median["SEMEDA's convolutions"]
    print(f"\nSEMEDA over its convolutions alone: {convolutions:.2f} (at most 1.3)")


if __name__ == "__main__":
    main()
