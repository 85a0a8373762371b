"""Sections about trials that ran again: a search's winner on fresh seeds, a replayed trial."""

from collections.abc import Iterator, Mapping

from study.analysis import protocol, repetition
from study.analysis.results import results_of
from study.ledger.design import WINNER
from study.ledger.errors import LedgerError
from study.ledger.fold_checks import NAME
from study.ledger.lines import first_line
from study.ledger.plan import Plan
from study.ledger.prior_trials import Replayed
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder, studies
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.sections.ablation_table import body, heads
from study.reporting.values import with_unit
from trainables.config.words import counted

VAL = "search {}, val"
"""In a rerun, the setup that holds the search's own figure for its winner."""


def origin(plan: Plan) -> str:
    """The search whose winner this study runs again; "" if it is not such a rerun."""
    for cell in plan.design.cells:
        for setup in cell.published if cell.name == WINNER else ():
            if setup.startswith("search ") and setup.endswith(", val"):
                name = setup.removeprefix("search ").removesuffix(", val")
                return name if NAME.fullmatch(name) else ""  # it becomes a path
    return ""


def rerun_section(record: StudyRecord, best: TrialRecord | None, folder: StudyFolder) -> Parts:
    """A search's winner in each rerun: on the seed that chose it, and on fresh seeds.

    The seed that chose the winner favours it; fresh seeds do not.
    """
    parts: Parts = []
    for rerun in _reruns(folder):
        table = results_of(rerun).tables[0]
        winner = next(row for row in table.rows if row.cell.name == WINNER)
        chosen = winner.cell.published.get(VAL.format(record.plan.study), {}).get(table.metric)
        # The grid's source begins with the trial that was the winner at that time.
        same = best is not None and rerun.plan.grid.source.startswith(f"trial {best.number} ")
        text = (
            f"Study `{rerun.plan.study}`: the winner's `{table.metric}` was "
            f"{with_unit(table.metric, chosen, table.unit)} on the {record.data.list_name('val')}, "
            f"on the seed that chose it; on {counted(len(winner.values), 'fresh seed')} it is "
            f"{with_unit(table.metric, winner.mean, table.unit)} on the "
            f"{rerun.data.list_name(table.split)}"
            f"{'' if same else '. Another trial was the winner then'}."
        )
        sheet = Sheet(heads(table), body(table))
        how = Prose(protocol.protocol(rerun, table))
        parts.append(Section("The winner on fresh seeds", [Prose(text), sheet, how]))
    return parts


def _reruns(folder: StudyFolder) -> Iterator[StudyRecord]:
    """The studies of the same storage that ran the winner of this search again, by name."""
    for other in studies(folder.storage):
        try:
            if f'"{VAL.format(folder.name)}"' not in first_line(other.ledger):
                continue  # told by its first line: most ledgers need not be read
            record = other.load()
        except (LedgerError, FileNotFoundError):
            continue  # interrupted in its first line, damaged, or private: it says nothing
        if origin(record.plan) == folder.name:
            yield record


def replay_section(record: StudyRecord, replayed: Replayed) -> Parts:
    """The old and the new figures beside each other, with nine digits."""
    rows = [[name, _exact(old), _exact(new)] for name, old, new in _pairs(record, replayed)]
    head = [f"after epoch {replayed.epoch}", f"{replayed.study}/{replayed.trial}", "again"]
    text = Prose(f"Result: {replay_verdict(record, replayed)}.")
    return [Section("Replay", [text, Sheet(head, rows)])]


def replay_verdict(record: StudyRecord, replayed: Replayed) -> str:
    """``all 47 figures are equal``, or how many differ, and the largest difference.

    On GPUs that do not repeat sums in one order, equal means within a tolerance, which is said.
    """
    pairs = _pairs(record, replayed)
    state = record.trials[0].state if 0 in record.trials else "not run"
    states = f"then {replayed.state}, now {state}"
    exact = repetition.is_exact(record.plan)
    gaps = {
        name: _gap(old, new)
        for name, old, new in pairs
        if old != new and (exact or not repetition.is_within(old, new))
    }
    meaning = "" if exact else f"; {repetition.described(record.plan)}"
    if not pairs:
        return f"no figures to compare: {states}"
    if not gaps:
        same = "the one figure is" if len(pairs) == 1 else f"all {len(pairs)} figures are"
        return f"{same} equal; {states}{meaning}"
    worst = max(gaps, key=lambda name: gaps[name])
    return (
        f"{len(gaps)} of {len(pairs)} figures differ, most {worst} by {gaps[worst]:.2g}; {states}"
        f"{meaning}"
    )


def _pairs(record: StudyRecord, replayed: Replayed) -> list[tuple[str, float | None, float | None]]:
    """By metric, the old and the new figure: on the validation list after the measured epoch of
    the replayed trial, and on the test list if both were measured there."""
    trial = record.trials.get(0)
    metrics: Mapping[str, float | None] = {}
    if trial is not None and replayed.epoch in trial.epochs:
        metrics = trial.epochs[replayed.epoch].metrics
    rows = [(name, value, metrics.get(name)) for name, value in replayed.metrics.items()]
    if trial is not None and trial.tested:
        rows += [(name, value, trial.tested.get(name)) for name, value in replayed.tested.items()]
    return rows


def _gap(old: float | None, new: float | None) -> float:
    return abs(old - new) if old is not None and new is not None else float("inf")


def _exact(value: float | None) -> str:
    return "-" if value is None else f"{value:.9g}"
