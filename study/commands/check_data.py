"""`--check-data NAME DIR`: open every file of a dataset, and print its content or its bad files."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trainables.config import DataConfig
from trainables.data import DataError, open_layout
from trainables.data.identity import Identity
from trainables.data.samples import Decoded, Layout, Sample, require_sound
from trainables.data.sanity import Facts, Sanity, sanity_of
from trainables.geometry.boundaries import VOID

_SHOWN = 10
"""How many bad files, and how many pixel spacings, are printed."""
_AT_ONCE = 32


def check(config: DataConfig, console: Console) -> bool:
    """Print every split's statistics, or the first bad files. Returns whether all files are good.

    Raises:
        DataError: found before a file is opened: no folder, no lists, or an empty split.
    """
    layout = open_layout(config)
    identity = Identity(layout, config)
    facts: dict[str, Facts] = {}
    bad: list[str] = []
    for split, samples in layout.splits.items():
        if split == "test" and samples == layout.splits["val"]:
            facts[split] = facts["val"]
            identity.repeat(split)
        else:
            identity.begin(split, samples)
            facts[split] = _facts(layout, samples, identity, bad)
    if bad:
        for line in bad[:_SHOWN]:
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        more = f", the first {_SHOWN} are above" if len(bad) > _SHOWN else ""
        console.print(f"{layout.name}: {len(bad)} bad files{more}", highlight=False)
        return False
    found = sanity_of(layout, config, facts)
    _print(layout, facts, found, console)
    if not found.failures:
        console.print(
            f"{layout.name}: all files are good; digest {identity.digest}", highlight=False
        )
    return not found.failures


def _facts(layout: Layout, samples: Sequence[Sample], identity: Identity, bad: list[str]) -> Facts:
    """Statistics of the good samples; the lines of the others are added to ``bad``."""
    found = Facts()
    for sample, outcome in zip(samples, _read_or_say(layout, samples), strict=True):
        if isinstance(outcome, DataError):
            bad.append(str(outcome))
        else:
            identity.add(sample, outcome)
            found.add(outcome, outcome.labels_HW, count_all=True)
    return found


def _read_or_say(layout: Layout, samples: Sequence[Sample]) -> Iterator[Decoded | DataError]:
    def read(sample: Sample) -> Decoded | DataError:
        try:
            decoded = sample.read()
            require_sound(sample.name, decoded, len(layout.classes))
            return decoded
        except DataError as error:
            return error

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(samples), _AT_ONCE):
            yield from pool.map(read, samples[start : start + _AT_ONCE])


def _print(layout: Layout, facts: dict[str, Facts], found: Sanity, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("split", "images", "sizes (columns x rows)", "boundary", "void"):
        table.add_column(name)
    for split, one in facts.items():
        sizes = [f"{columns}x{rows}" for (rows, columns), _ in one.sizes.most_common(3)]
        others = f" and {len(one.sizes) - 3} more" if len(one.sizes) > 3 else ""
        pixels = one.labels_256.sum()
        same = split == "test" and one is facts["val"]
        table.add_row(
            split,
            f"{one.images}{' (those of val)' if same else ''}",
            ", ".join(sizes) + others,
            f"{one.boundary / pixels:.2%}",
            f"{one.labels_256[VOID] / pixels:.2%}",
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
        console.print(f"spacing in mm (rows, columns): {spacings[:_SHOWN]}", highlight=False)
    for line in found.lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
