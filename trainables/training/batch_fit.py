"""Which batch fits into a GPU's memory, from the peaks of steps that were tried. Pure: no torch.

A step's peak is close to a line in its images: a fixed part (weights, gradients, the optimiser's
state, workspaces) and a part for each image (activations). Two measured steps give the line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trainables.config.validation import Value

MIB, GIB = 2**20, 2**30
CONTEXT_MIB = 600.0
"""What a process takes of a GPU beside PyTorch's own pool (CUDA's context, cuBLAS, cuDNN), where it
was not measured. The pool's limit does not count it."""
_MOST_TRIES = 3
"""Batches that are tried between the largest that fits and the smallest that does not."""


@dataclass(frozen=True)
class Fit:
    """The largest batch of which a step was run and fitted."""

    batch: int
    """0: not even one image fits."""
    peak: int
    """Bytes that its step took."""
    needed: int | None
    """Bytes that a step of the requested batch would take, along the line; None: unknown."""


def peak_along(points: Sequence[tuple[int, int]], batch: int) -> int:
    """The peak of ``batch`` images in bytes, on the line through two (images, bytes).

    Noise of an allocator that rounds up must not give a larger batch a smaller peak.
    """
    (few, low), (many, high) = sorted(points)
    an_image = max(high - low, 0) / (many - few)
    return round(high + an_image * (batch - many))


def images_along(points: Sequence[tuple[int, int]], limit: int) -> int | None:
    """The most images whose peak on that line is at most ``limit``; None if it does not rise."""
    (few, low), (many, high) = sorted(points)
    if high <= low:
        return None
    return int(many + (limit - high) * (many - few) // (high - low))


def largest_batch(peak: Callable[[int], int | None], batch: int, limit: int, least: int = 1) -> Fit:
    """The largest batch below ``batch``, which does not fit, that does; each answer was tried.

    Args:
        peak: runs steps of a batch and returns its peak in bytes; None if the memory is too small.
        batch: the one that does not fit.
        limit: bytes that a step may take.
        least: the smallest batch that may be named.
    """
    low, points = batch // 2, list[tuple[int, int]]()
    too_many = batch
    while low >= least and (found := peak(low)) is None:
        too_many, low = low, low // 2
    if low < least:
        return Fit(0, 0, None)
    assert found is not None
    points.append((low, found))
    if (half := low // 2) >= 1 and (smaller := peak(half)) is not None:
        points.append((half, smaller))
    best = points[0]
    for _ in range(_MOST_TRIES):
        if too_many - best[0] <= 1:
            break
        tried = _next(points, best[0], too_many, limit)
        if (found := peak(tried)) is None:
            too_many = tried
        else:
            best = (tried, found)
            points = [best, points[0]]
    return Fit(*best, peak_along(points, batch) if len(points) > 1 else None)


def _next(points: list[tuple[int, int]], low: int, too_many: int, limit: int) -> int:
    """The batch to try: where the line meets the limit, else the middle."""
    guess = images_along(points, limit) if len(points) > 1 else None
    if guess is None or guess <= low or guess >= too_many:
        return (low + too_many) // 2
    return guess


def size_of(flat: Mapping[str, Value]) -> str:
    """The size of the images of a step, in words, from a flat config: ``512x1024``."""
    rows, columns = (
        int(flat.get(f"data/crop_{side}", 0)) or int(flat.get(f"data/{side}", 0))
        for side in ("height", "width")
    )
    return f"{rows}x{columns}" if rows and columns else "images of their own size"


def gib(count: float) -> str:
    """Bytes in GiB, as messages have them."""
    return f"{count / GIB:.1f} GiB"


def too_large(batch: int, size: str, fit: Fit, limit: int) -> str:
    """One line: what the batch needs, what there is, and what fits.

    Args:
        batch: images of one step.
        size: of an image, in words.
        limit: bytes that a step may take.
    """
    needs = f"needs about {gib(fit.needed)}" if fit.needed else "does not fit into the"
    there = f"of {gib(limit)}" if fit.needed else gib(limit)
    if batch == 1:
        found = "smaller crops or another network take less"
    elif fit.batch:
        found = f"batch {fit.batch} fits ({gib(fit.peak)}, measured)"
    else:
        found = "no smaller batch fits"
    return f"batch {batch} of {size} {needs} {there} of GPU memory; {found}"


def short_on_cpu(flat: Mapping[str, Value]) -> str:
    """The same of a machine's memory, which lanes, images and the driver share: no batch is
    promised to fit."""
    batch = int(flat["batch"])
    text = f"batch {batch} of {size_of(flat)} did not fit into the machine's memory"
    if batch == 1:
        return f"{text}: smaller crops take less, as do fewer --lanes"
    return f"{text}: batch {batch // 2} takes about half (--on-oom halve), or fewer --lanes"
