"""The published per-seed tables again, as studies with planned looks: which verdicts stay, for how
many of the runs.

    python -m tests.benchmarks.replay_looks

The tables of ``docs/results`` were run on a fixed number of seeds and corrected by Holm's method. A
replay takes the same figures seed by seed, and stops each cell at the look that decides it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas

from study.analysis.looks import LookRule, take_looks
from trainables.metrics.catalog import METRICS

TABLES = Path(__file__).parents[2] / "docs" / "results"
FEWEST = 7
"""Tables of fewer seeds have no verdict, or no seed to save."""


class Table(NamedTuple):
    """One metric of a published table: what each cell differs by, and what Holm's method says."""

    name: str
    metric: str
    mode: str
    seeds: list[int]
    differences: dict[str, dict[int, float]]
    verdicts: dict[str, str]


class Replayed(NamedTuple):
    """Sums over tables."""

    verdicts: int
    """Of Holm's method that are better or worse."""
    kept: int
    """Of these, those that the replay has too."""
    new: int
    """Better or worse in the replay alone."""
    runs: int
    planned: int


def published() -> Iterator[Table]:
    """Every metric of every table with enough seeds."""
    for file in sorted(TABLES.glob("*.csv")):
        rows = pandas.read_csv(file)
        columns = [name for name in rows.columns if name.startswith("seed_")]
        if len(columns) < FEWEST:
            continue
        seeds = [int(name.removeprefix("seed_")) for name in columns]
        for metric, of_metric in rows.groupby("metric", sort=False):
            by_cell = of_metric.set_index("cell")
            verdicts = by_cell["verdict"].to_dict()
            baseline = by_cell.loc[by_cell["verdict"] == "baseline", columns].iloc[0]
            del verdicts[baseline.name]
            values = by_cell.loc[list(verdicts), columns] - baseline
            differences = {
                cell: dict(zip(seeds, row.to_list(), strict=True))
                for cell, row in values.iterrows()
            }
            mode = METRICS[str(metric)].direction
            yield Table(file.stem, str(metric), mode, seeds, differences, verdicts)


def replay(table: Table, before: tuple[int, ...], smallest: float | None) -> Replayed:
    """One table with looks after ``before`` seeds and after all."""
    looks = (*before, len(table.seeds))
    rule = LookRule(looks=looks, smallest=smallest, mode=table.mode)
    last = take_looks(table.differences, table.seeds, rule)[-1]
    held = [name for name, verdict in table.verdicts.items() if verdict in ("better", "worse")]
    decided = [name for name, arm in last.items() if arm.state in ("better", "worse")]
    counts = [arm.seeds for arm in last.values()]
    return Replayed(
        verdicts=len(held),
        kept=sum(last[name].state == table.verdicts[name] for name in held),
        new=len(set(decided) - set(held)),
        runs=sum(counts) + max(counts),  # the baseline runs as long as any cell
        planned=(len(counts) + 1) * len(table.seeds),
    )


def _main() -> None:
    print("| tables | looks | smallest | Holm's verdicts | kept | new | runs |")
    print("|---|---|---|---|---|---|---|")
    tables = list(published())
    objectives = [table for table in tables if table.metric == "miou"]
    for name, chosen in (("mIoU", objectives), ("every metric", tables)):
        for before, smallest in (((6,), None), ((3, 6), None), ((3, 6), 0.002), ((4, 6), 0.005)):
            found = [replay(table, before, smallest) for table in chosen]
            verdicts, kept, new, runs, planned = (
                sum(column) for column in zip(*found, strict=True)
            )
            points = "-" if smallest is None else f"{100 * smallest:g}"
            looks = ", ".join([*map(str, before), "all"])
            shares = f"{verdicts} | {kept} ({kept / verdicts:.0%}) | {new} | {runs / planned:.0%}"
            print(f"| {name} ({len(chosen)}) | {looks} | {points} | {shares} |")
        fewest = sum(6 * (len(table.differences) + 1) for table in chosen)
        planned = sum(len(table.seeds) * (len(table.differences) + 1) for table in chosen)
        print(
            f"| {name} ({len(chosen)}) | 6 seeds of every cell | | | | | {fewest / planned:.0%} |"
        )


if __name__ == "__main__":
    _main()
