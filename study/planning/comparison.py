"""The runs that a study's verdict rests on: an ablation's cells, or a search's winner and base."""

from dataclasses import replace

from study.analysis.confirmation import confirmation_of
from study.analysis.planned_looks import seeds_until_look
from study.ledger.design import Ablation
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.planning.runs import grid_runs
from trainables.lane.trial_spec import TrialSpec


def comparing_runs(plan: Plan, record: StudyRecord) -> list[TrialSpec]:
    """The runs in their order; none before the searches have chosen what is compared, and only
    those before the next look.

    The runs of a confirmation follow the trials of its search in number.
    """
    if isinstance(plan.design, Ablation):
        if plan.design.search_trials and not record.chosen:
            return []
        runs = grid_runs(plan.with_weights({c: w.changes for c, w in record.chosen.items()}))
        return _before_look(plan, record, runs) if plan.design.looks else runs
    if (confirming := confirmation_of(record)) is None:
        return []
    first = plan.design.trials
    return [
        replace(run, number=first + run.number, phase="confirm")
        for run in grid_runs(confirming.plan)
    ]


def _before_look(plan: Plan, record: StudyRecord, runs: list[TrialSpec]) -> list[TrialSpec]:
    """The runs that do not depend on the next look."""
    counts, seeds = seeds_until_look(plan, record), plan.design.seeds
    return [run for run in runs if run.seed in seeds[: counts[run.cell]]]
