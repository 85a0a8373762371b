"""The section with Delta_m: what networks of several tasks gain over those of one task each."""

from study.analysis import fold_protocol, protocol
from study.analysis.results import AblationResults
from study.analysis.statistics import ALPHA
from study.analysis.tables import CORRECTED
from study.analysis.task_gains import TaskGain
from study.reporting.document import Parts, Prose, Section, Sheet
from trainables.config.tasks import TASKS, TaskName
from trainables.config.words import zero_without_sign
from trainables.metrics.catalog import METRICS, OF_TASK

TITLE = "Gain over single tasks"


def section(results: AblationResults) -> Parts:
    """Nothing where no cell of several tasks has a cell of each task alone."""
    gains = results.task_gains
    if not gains:
        return []
    return [Section(TITLE, [sheet(results, gains), Prose(said(results, gains))])]


def sheet(results: AblationResults, gains: tuple[TaskGain, ...]) -> Sheet:
    """A row per cell: Delta_m with its test, then the gain of each task."""
    tasks = [task for task in TASKS if any(task in gain.by_task for gain in gains)]
    head = ["cell", "Δm %", "interval", "p", CORRECTED[results.record.plan.correction], "verdict"]
    body = [[gain.cell, *_tested(gain), *_by_task(gain, tasks)] for gain in gains]
    return Sheet([*head, *(f"{task} %" for task in tasks), "n"], body)


def _tested(gain: TaskGain) -> list[str]:
    found = gain.comparison
    interval = "-"
    if found.low is not None and found.high is not None:
        interval = f"{_percent(found.low)} .. {_percent(found.high)}"
    return [
        _percent(found.mean),
        interval,
        *("-" if p is None else f"{p:.4f}" for p in (found.p, found.p_corrected)),
        found.verdict,
    ]


def _by_task(gain: TaskGain, tasks: list[TaskName]) -> list[str]:
    return [*(_percent(gain.by_task.get(task)) for task in tasks), str(gain.comparison.n)]


def _percent(value: float | None) -> str:
    return "-" if value is None else zero_without_sign(f"{100 * value:+.2f}")


def said(results: AblationResults, gains: tuple[TaskGain, ...]) -> str:
    """What Delta_m is, over which cells, and how it was tested."""
    record = results.record
    pairs = dict.fromkeys((task, name) for gain in gains for task, name in gain.singles.items())
    singles = "; ".join(f"{_metric(task)} of `{name}`" for task, name in pairs)
    return (
        f"Δm: the mean over a cell's tasks of (m - b) / b, with the sign reversed where less is "
        f"better, in percent; b is {singles}, paired by {fold_protocol.paired_by(record.plan)} on "
        f"the {record.data.list_name(results.split)}. Its mean with a {1 - ALPHA:.0%} interval; "
        f"p: that it is 0, {protocol.corrected_by(record)} over these cells. It decides nothing "
        f"about the objective. The columns of the tasks are their own gains."
    )


def _metric(task: TaskName) -> str:
    name = OF_TASK[task]
    return f"`{name}`{'' if METRICS[name].direction == 'max' else ' (less is better)'}"
