"""The section about the GPU hours of a study; none where lanes had no GPU."""

from study.analysis.gpu_hours import GpuHours, Spent, gpu_hours
from study.analysis.results import AblationResults, SearchResults
from study.reporting.document import Parts, Prose, Section, Sheet


def section(results: SearchResults | AblationResults) -> Parts:
    found, plan = gpu_hours(results), results.record.plan
    if found is None:
        return []
    share = f"a lane holds {plan.workers * plan.gpus_per_worker:g} GPU"
    text = (
        f"In all {found}; {share}. A lane counts while a trial holds it, also between its epochs; "
        "a lane without a trial does not count, nor do measurements on the test list."
    )
    if plan.gpu_share is not None:
        text += f" --gpus-per-worker auto: {plan.gpu_share}."
    if all(spent.utilization is None for spent in found.cells.values()):
        text += " No lane could read its GPU's utilisation: NVML is missing, or it is a MIG slice."
    head = ["trials of", "number", "GPU h in epochs", "utilisation [%]"]
    return [Section("GPU hours", [Prose(text), Sheet(head, _rows(found))])]


def _rows(found: GpuHours) -> list[list[str]]:
    cells = [_row(name, spent) for name, spent in found.cells.items()]
    return [*cells, ["between epochs, or repeated", "-", f"{found.between:.3g}", "-"]]


def _row(name: str, spent: Spent) -> list[str]:
    busy = "-" if spent.utilization is None else f"{spent.utilization:.0f}"
    return [name, str(spent.trials), f"{spent.hours:.3g}", busy]
