"""Never twice: what an earlier study of the same storage ran with the same content is taken over.

Content is the resolved config (seed included) and the data's digest: a trial's ``id``. The events
are written again in the new ledger, so that it stays whole by itself, and say where they come from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.grid_plan import Run, grid_runs
from study.ledger import FILE, Ledger, LedgerError, folded, read
from study.plan import Plan
from study.record import StudyRecord
from study.trial_record import TrialRecord
from trainables.config import from_flat, identity


@dataclass(frozen=True)
class Earlier:
    """A whole trial of another study."""

    study: str
    commit: str | None
    """Of the code that it ran with, for a reader to judge."""
    trial: TrialRecord
    others: Mapping[int, TrialRecord]
    """All trials of that study."""


def find(plan: Plan, digest: str, record: StudyRecord) -> list[tuple[Run, Earlier]]:
    """Runs of a grid that were not begun here and are whole elsewhere; none with ``--fresh``, and
    none before the cells' weights are chosen."""
    if plan.grid is None or plan.fresh or (plan.search_trials and not record.chosen):
        return []
    wanted = {
        identity(from_flat(run.config), digest): run
        for run in grid_runs(plan) if run.number not in record.trials
    }  # fmt: skip
    found = whole_trials(plan) if wanted else {}
    pairs = [(run, found[key]) for key, run in wanted.items() if key in found]
    return sorted(pairs, key=lambda pair: pair[0].number)


def whole_trials(plan: Plan) -> dict[str, Earlier]:
    """By content, every whole trial of the storage's other studies; of equal ones a tested one."""
    found: dict[str, Earlier] = {}
    for study in records(plan.storage, plan.study):
        commit = study.plan["provenance"]["commit"]
        for trial in study.in_state("complete"):
            known = found.get(trial.id)
            better = known is None or (known.trial.tested is None and trial.tested is not None)
            if better and not trial.reused:
                found[trial.id] = Earlier(study.plan["study"], commit, trial, study.trials)
    return found


def take_over(ledger: Ledger, run: Run, earlier: Earlier, **place: Any) -> None:
    """Write an earlier trial's events as this study's own; ``place`` is what a search adds."""
    trial, number = earlier.trial, run.number
    source = {"study": earlier.study, "trial": trial.number, "commit": earlier.commit}
    ledger.append("started", trial=number, id=trial.id, params=run.params, config=run.config,
                  cell=run.cell, seed=run.seed, reused=source, **place)  # fmt: skip
    for epoch in sorted(trial.epochs):
        kept = {key: trial.epochs[epoch][key] for key in ("metrics", "seconds", "lane")}
        ledger.append("epoch", trial=number, epoch=epoch, **kept)
    ledger.append("finished", trial=number, state="complete")
    if trial.tested is not None:
        ledger.append("tested", trial=number, metrics=trial.tested)


def records(storage: Path, but: str = "") -> Iterator[StudyRecord]:
    """Every study but this one whose ledger can be read."""
    for path in sorted(storage.glob(f"*/{FILE}")):
        if path.parent.name == but:
            continue
        try:
            record = folded(path, read(path)[0], StudyRecord())
        except LedgerError:
            continue  # damaged, or of another schema: nothing is taken from it
        if record.plan:
            yield record
