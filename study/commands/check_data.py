"""`--check-data NAME DIR`: print a dataset's statistics, or the files that cannot be read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from study.commands.target_pictures import write_pictures
from trainables.config import DataConfig, require
from trainables.config.tasks import TaskName
from trainables.config.words import counted
from trainables.data import DataError, open_layout
from trainables.data.facts import Facts
from trainables.data.identity import Identity
from trainables.data.pixel_statistics import PixelFacts
from trainables.data.samples import Decoded, Layout, Sample, require_sound
from trainables.data.sanity import sanity_of
from trainables.data.target_facts import target_lines
from trainables.geometry.boundaries import VOID

_PRINTED = 10
"""How many bad files, and how many pixel spacings, are printed."""
_AT_ONCE = 32
"""Files decoded ahead: a complete split would not fit in memory."""


def check(config: DataConfig, console: Console, pictures: Path) -> bool:
    """Print every split's statistics, or the first bad files; return whether all files are good.

    Args:
        config: of the data.
        console: to print on.
        pictures: the folder below which pictures of maps beside the labels are written, if any.

    Raises:
        DataError: before any file is opened: a folder or list is missing, or a split is empty.
    """
    require(not config.folds, "data/folds", "0 with --check-data, which checks lists", config.folds)
    layout = open_layout(config)
    identity = Identity(layout, config)
    facts: dict[str, Facts] = {}
    pixels = PixelFacts(config)
    bad: list[str] = []
    for split, samples in layout.splits.items():
        if split == "test" and samples == layout.splits["val"]:
            # One list serves as both; it is read once.
            facts[split] = facts["val"]
            identity.repeat(split)
        else:
            identity.begin(split, samples)
            facts[split] = _facts(layout, split, identity, pixels, bad, config.map_names)
    if bad:
        for line in bad[:_PRINTED]:
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        more = f", the first {_PRINTED} are above" if len(bad) > _PRINTED else ""
        console.print(f"{layout.name}: {len(bad)} bad files{more}", highlight=False, markup=False)
        return False
    found = pixels.with_lines(sanity_of(layout, config, facts))
    _print(layout, facts, console)
    _print_uses(layout, console)
    _print_targets(layout, facts, pictures, console)
    for line in found.lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if not found.failures:
        good = f"{layout.name}: all files are good; digest {identity.digest}"
        console.print(good, highlight=False, markup=False)
    return not found.failures


def _facts(
    layout: Layout,
    split: str,
    identity: Identity,
    pixels: PixelFacts,
    bad: list[str],
    targets: Sequence[TaskName],
) -> Facts:
    """Statistics of the good samples; ``bad`` gets a line for each of the others."""
    found, samples = Facts(), layout.splits[split]
    for sample, outcome in zip(samples, _outcomes(layout, samples, targets), strict=True):
        if isinstance(outcome, DataError):
            bad.append(str(outcome))
            continue
        try:
            pixels.add(split, sample, outcome, outcome.image_HWC)
        except DataError as error:
            bad.append(str(error))
        else:
            identity.add(sample, outcome)
            found.add(outcome, outcome.labels_HW, count_all=True)
    return found


def _outcomes(
    layout: Layout, samples: Sequence[Sample], targets: Sequence[TaskName]
) -> Iterator[Decoded | DataError]:
    """Each file decoded, or the error that says why it cannot be."""

    def read(sample: Sample) -> Decoded | DataError:
        try:
            decoded = sample.read()
            require_sound(sample.name, decoded, len(layout.classes), targets, len(layout.parts))
            return decoded
        except DataError as error:
            return error

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(samples), _AT_ONCE):
            yield from pool.map(read, samples[start : start + _AT_ONCE])


def _print_targets(
    layout: Layout, facts: Mapping[str, Facts], pictures: Path, console: Console
) -> None:
    """What the maps beside the labels hold, and pictures of the first image's."""
    # One list may serve as two.
    own = {split: one for split, one in facts.items() if split != "test" or one is not facts["val"]}
    by_split = {split: one.targets for split, one in own.items()}
    lines = [*target_lines(by_split, layout.parts)]
    first = layout.splits["train"][0]
    if lines:
        written = write_pictures(first.read(), pictures / layout.name)
        lines.append(f"pictures of {first.name}: {', '.join(map(str, written))}")
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _print_uses(layout: Layout, console: Console) -> None:
    """Which images choose, and which judge: their list, their number and their groups."""
    for use, split in (("chosen on", "val"), ("measured on", "test")):
        samples = layout.splits[split]
        name = layout.lists.get(split, f"{'validation' if split == 'val' else 'test'} list")
        groups = layout.groups
        inside = Counter(groups.of(sample.name) for sample in samples) if groups else Counter()
        named = ", ".join(f"{group} {count}" for group, count in inside.most_common(_PRINTED))
        more = f" and {len(inside) - _PRINTED} more" if len(inside) > _PRINTED else ""
        of = f" of {counted(len(inside), groups.noun, groups.plural)}: " if groups else ""
        line = f"{use}: {name}: {counted(len(samples), 'image')}{of}{named}{more}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _print(layout: Layout, facts: dict[str, Facts], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("split", "images", "sizes (columns x rows)", "boundary", "void"):
        table.add_column(name)
    for split, split_facts in facts.items():
        common = split_facts.sizes.most_common(3)
        sizes = [f"{columns}x{rows}" for (rows, columns), _ in common]
        others = f" and {len(split_facts.sizes) - 3} more" if len(split_facts.sizes) > 3 else ""
        pixels = split_facts.labels_256.sum()
        same = facts["val"] is facts["test"] and split == (layout.stand_in or "test")
        other = "test" if split == "val" else "val"
        table.add_row(
            split,
            f"{split_facts.images}{f' (same as {other})' if same else ''}",
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
        console.print(
            f"spacing in mm (rows, columns, slices): {spacings[:_PRINTED]}", highlight=False
        )
