"""`--check-data NAME DIR`: print a dataset's statistics, or the files that cannot be read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from trainables.config import DataConfig
from trainables.data import DataError, open_layout
from trainables.data.dataset import Digest
from trainables.data.samples import Decoded, Layout, Sample, add_to_digest
from trainables.geometry.boundaries import VOID, radius_boundary

_PRINTED = 10
"""How many bad files, and how many pixel spacings, are printed."""
_AT_ONCE = 32
"""Files decoded ahead: a complete split would not fit in memory."""


@dataclass
class Facts:
    """Statistics of a split's files. Shape letters: H rows, W columns."""

    images: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    labels_256: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    boundary: int = 0
    bad: list[str] = field(default_factory=list)

    def add(self, decoded: Decoded) -> None:
        self.images += 1
        self.sizes[decoded.labels_HW.shape[0], decoded.labels_HW.shape[1]] += 1
        self.labels_256 += np.bincount(decoded.labels_HW.ravel(), minlength=256)
        self.boundary += int(boundary(decoded.labels_HW).sum())


def boundary(labels_HW: NDArray[np.uint8]) -> Tensor:
    """Bool (H,W): pixels beside a pixel of another class, neither of them void."""
    labels_1HW = torch.tensor(labels_HW).unsqueeze(0)
    return radius_boundary(labels_1HW, VOID, radius=1)[0]


def check(config: DataConfig, console: Console) -> bool:
    """Print every split's statistics, or the first bad files; return whether all files are good.

    Raises:
        DataError: before any file is opened: a folder or list is missing, or a split is empty.
    """
    layout = open_layout(config)
    digest = Digest()
    facts: dict[str, Facts] = {}
    for split, samples in layout.splits.items():
        if split == "test" and samples == layout.splits["val"]:
            # Without public test labels one list serves as both; it is read once.
            facts[split] = facts["val"]
        else:
            facts[split] = _facts(samples, digest)
    bad = [
        line
        for split, split_facts in facts.items()
        for line in split_facts.bad
        if split != "test" or split_facts is not facts["val"]
    ]
    if bad:
        for line in bad[:_PRINTED]:
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        more = f", the first {_PRINTED} are above" if len(bad) > _PRINTED else ""
        console.print(f"{layout.name}: {len(bad)} bad files{more}", highlight=False, markup=False)
        return False
    _print(layout, facts, digest.hex(), console)
    return True


def _facts(samples: Sequence[Sample], digest: Digest) -> Facts:
    facts = Facts()
    for outcome in _outcomes(samples):
        if isinstance(outcome, DataError):
            facts.bad.append(str(outcome))
        else:
            add_to_digest(digest, outcome)
            facts.add(outcome)
    return facts


def _outcomes(samples: Sequence[Sample]) -> Iterator[Decoded | DataError]:
    """Each file decoded, or the error that says why it cannot be."""

    def read(sample: Sample) -> Decoded | DataError:
        try:
            return sample.read()
        except DataError as error:
            return error

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(samples), _AT_ONCE):
            yield from pool.map(read, samples[start : start + _AT_ONCE])


def _print(layout: Layout, facts: dict[str, Facts], digest: str, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("split", "images", "sizes (columns x rows)", "boundary", "void"):
        table.add_column(name)
    for split, split_facts in facts.items():
        common = split_facts.sizes.most_common(3)
        sizes = [f"{columns}x{rows}" for (rows, columns), _ in common]
        others = f" and {len(split_facts.sizes) - 3} more" if len(split_facts.sizes) > 3 else ""
        pixels = split_facts.labels_256.sum()
        same = split == "test" and split_facts is facts["val"]
        table.add_row(
            split,
            f"{split_facts.images}{' (same as val)' if same else ''}",
            ", ".join(sizes) + others,
            f"{split_facts.boundary / pixels:.2%}",
            f"{split_facts.labels_256[VOID] / pixels:.2%}",
        )
    console.print(table)
    shares = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("class", *(f"{split} %" for split in facts)):
        shares.add_column(name)
    for label, name in enumerate(layout.classes):
        cells = [
            f"{100 * f.labels_256[label] / max(f.labels_256[:VOID].sum(), 1):.2f}"
            for f in facts.values()
        ]
        shares.add_row(escape(f"{label} {name}"), *cells)
    console.print(shares)
    if layout.spacing_mm:
        spacings = sorted({tuple(round(x, 3) for x in mm) for mm in layout.spacing_mm.values()})
        console.print(f"spacing in mm (rows, columns): {spacings[:_PRINTED]}", highlight=False)
    console.print(
        f"{layout.name}: all files are good; digest {digest}", highlight=False, markup=False
    )
