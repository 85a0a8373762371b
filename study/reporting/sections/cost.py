"""What each cell of an ablation costs: seconds of training per epoch, from the ledger alone."""

from statistics import median

from study.ledger.record import StudyRecord
from study.reporting.document import Parts, Prose, Section, Sheet


def section(record: StudyRecord) -> Parts:
    """The report's section; none before an epoch of the baseline was timed."""
    baseline = record.plan.grid.baseline
    seconds = _seconds(record)
    if not seconds.get(baseline):
        return []
    images, batch = record.data.images["train"], int(record.plan.base["batch"])
    steps, floor = -(-images // batch), median(seconds[baseline])
    rows = [
        [
            cell,
            str(len(those)),
            f"{median(those):.2f}",
            f"{1000 * median(those) / steps:.0f}",
            f"{median(those) / floor:.2f}",
        ]
        for cell, those in seconds.items()
    ]
    said = (
        f"Median over the epochs of all seeds, {steps} steps of {batch} images each; validation "
        f"and the stages are left out. Up to {record.plan.lanes} lanes ran at once."
    )
    if any(trial.reused for trial in record.compared().trials.values()):
        said += (
            " Runs reused from earlier studies had other times and are left out: with few epochs "
            "of the baseline the last column says little."
        )
    head = ["cell", "epochs", "s an epoch", "ms a step", f"of {baseline}"]
    return [Section("Cost", [Prose(said), Sheet(head, rows)])]


def _seconds(record: StudyRecord) -> dict[str, list[float]]:
    """Of every epoch, by cell in the grid's order; without a trial's first, in which a process may
    still load code."""
    found: dict[str, list[float]] = {cell.name: [] for cell in record.plan.grid.cells}
    for trial in record.compared().trials.values():
        found[trial.cell] += [
            epoch.train_s
            for number, epoch in trial.epochs.items()
            if number > 1 and epoch.train_s is not None
        ]
    return {cell: those for cell, those in found.items() if those}
