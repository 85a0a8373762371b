"""The sections about cost, from the ledger alone: an ablation's training, and networks in use."""

from collections.abc import Mapping
from statistics import median

from study.analysis.costs import by_cell, cost_of
from study.analysis.results import SearchResults
from study.ledger.network_measured import NetworkMeasured
from study.ledger.record import StudyRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from trainables.config.words import counted
from trainables.data.batches import num_batches


def of_ablation(record: StudyRecord) -> Parts:
    """Both sections, as far as something was measured."""
    return [*_training(record), *_in_use(by_cell(record))]


def of_search(results: SearchResults) -> Parts:
    """What the winner's network costs in use."""
    best = results.best
    cost = None if best is None else cost_of(results.record, best)
    return [] if best is None or cost is None else _in_use({f"trial {best.number}": cost})


def _in_use(costs: Mapping[str, NetworkMeasured]) -> Parts:
    """The section about networks in use; none in older studies, which measured nothing."""
    if not costs:
        return []
    places = dict.fromkeys(
        f"{cost.size[1]} x {cost.size[0]} px on {cost.device} ({cost.evaluated})"
        for cost in costs.values()
    )
    text = (
        f"Of one image, {', '.join(places)}; what only training uses, "
        "such as boundary heads, is not in it, nor is refinement. A multiplication and an addition "
        "are two operations. Times are medians of up to 5 predictions, each with all its scales, "
        "mirrors and windows, and with nothing else of the study running; "
        "memory is the most that PyTorch allocated on a GPU, and not known on a CPU. Networks that "
        "are equal were measured once."
    )
    rows = [
        [
            name,
            f"{cost.parameters / 1e6:.2f}",
            f"{cost.gflops:.3g}",
            f"{cost.milliseconds:.1f}",
            "-" if cost.peak_megabytes is None else f"{cost.peak_megabytes:.0f}",
        ]
        for name, cost in costs.items()
    ]
    head = [
        "network of",
        "parameters [million]",
        "GFLOPs per image",
        "ms per image",
        "peak memory [MiB]",
    ]
    return [Section("Cost in use", [Prose(text), Sheet(head, rows)])]


def _training(record: StudyRecord) -> Parts:
    """The section about training; none before an epoch of the baseline has been timed."""
    grid, seconds = record.plan.grid, _seconds(record)
    if not seconds.get(grid.baseline):
        return []
    batch = int(record.plan.base["batch"])
    steps = num_batches(record.data.images["train"], batch)
    folds = " in the first fold" if record.data.folds else ""
    rows = [
        [
            cell,
            str(len(epochs_s)),
            f"{median(epochs_s):.2f}",
            f"{1000 * median(epochs_s) / steps:.0f}",
            _relative(epochs_s, seconds.get(grid.baseline_of(cell))),
        ]
        for cell, epochs_s in seconds.items()
    ]
    size = f"{counted(steps, 'step')} of {counted(batch, 'image')} each{folds}"
    text = (
        f"Median over the epochs of all seeds, {size}; validation "
        f"and stages are excluded. Up to {counted(record.plan.lanes, 'lane')} ran at once."
    )
    if any(trial.reused for trial in record.compared().trials.values()):
        text += (
            " Runs reused from earlier studies had other times and are excluded: if few epochs of "
            "the baseline remain, the last column says little."
        )
    if any(trial.shared for trial in record.compared().trials.values()):
        text += " Epochs that a run shares with another count once, for the run that trained them."
    base = grid.baseline if len(grid.baselines) == 1 else "its baseline"
    head = ["cell", "epochs", "s per epoch", "ms per step", f"relative to {base}"]
    return [Section("Cost", [Prose(text), Sheet(head, rows)])]


def _relative(epochs_s: list[float], baseline_s: list[float] | None) -> str:
    return f"{median(epochs_s) / median(baseline_s):.2f}" if baseline_s else "-"


def _seconds(record: StudyRecord) -> dict[str, list[float]]:
    """The training time of every epoch by cell, in the grid's order.

    A trial's first epoch is left out, because a process may still load code in it. Reused trials
    have no training time.
    """
    seconds: dict[str, list[float]] = {cell.name: [] for cell in record.plan.grid.cells}
    for trial in record.compared().trials.values():
        seconds[trial.cell] += [
            epoch.train_s
            for number, epoch in trial.epochs.items()
            if number > 1 and epoch.train_s is not None
        ]
    return {cell: epochs_s for cell, epochs_s in seconds.items() if epochs_s}
