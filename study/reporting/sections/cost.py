"""The section about an ablation's cost: seconds of training per epoch, from the ledger alone."""

from statistics import median

from study.ledger.record import StudyRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from trainables.config.words import counted
from trainables.data.batches import num_batches


def section(record: StudyRecord) -> Parts:
    """The section; none before an epoch of the baseline has been timed."""
    baseline = record.plan.grid.baseline
    seconds = _seconds(record)
    if not seconds.get(baseline):
        return []
    batch = int(record.plan.base["batch"])
    steps = num_batches(record.data.images["train"], batch)
    floor = median(seconds[baseline])
    rows = [
        [
            cell,
            str(len(epochs_s)),
            f"{median(epochs_s):.2f}",
            f"{1000 * median(epochs_s) / steps:.0f}",
            f"{median(epochs_s) / floor:.2f}",
        ]
        for cell, epochs_s in seconds.items()
    ]
    size = f"{counted(steps, 'step')} of {counted(batch, 'image')} each"
    text = (
        f"Median over the epochs of all seeds, {size}; validation "
        f"and stages are excluded. Up to {counted(record.plan.lanes, 'lane')} ran at once."
    )
    if any(trial.reused for trial in record.compared().trials.values()):
        text += (
            " Runs reused from earlier studies had other times and are excluded: if few epochs of "
            "the baseline remain, the last column says little."
        )
    head = ["cell", "epochs", "s per epoch", "ms per step", f"relative to {baseline}"]
    return [Section("Cost", [Prose(text), Sheet(head, rows)])]


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
