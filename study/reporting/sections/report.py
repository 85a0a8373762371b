"""The sections of a report, in their order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from study.analysis import evaluation
from study.analysis.finding import Finding
from study.analysis.measured_epoch import after
from study.analysis.recorded_space import space_of
from study.analysis.results import AblationResults, SearchResults, StudyResults
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.planning import budget
from study.reporting import document
from study.reporting.document import Parts, Points, Prose, Section, Sheet
from study.reporting.sections import (
    ablation_table,
    affinity_trend,
    beginnings,
    caveats,
    cell_search,
    class_shares,
    confirmation,
    cost,
    films,
    folds,
    gpu_hours,
    health,
    horizon,
    importances,
    pareto,
    per_class,
    published,
    refinement,
    reruns,
    setup,
    task_gains,
    uncertainty,
    use_it,
    verdicts,
)
from study.reporting.sections import plots as plot_sections
from study.reporting.sections.ranked import SHOWN, first_trials, ranking, winner
from trainables.config.words import counted


class Content(NamedTuple):
    """What a search's report has, or an ablation's."""

    first: Parts
    """Above the plots: the result."""
    details: Parts
    """Below them, folded."""


def complete(
    results: StudyResults,
    folder: StudyFolder,
    content: Content,
    plots: Mapping[str, Path],
    per_cell: str,
    found: Sequence[Finding] = (),
) -> Parts:
    """All parts of a report below its title and question.

    Args:
        content: from ``of_search`` or ``of_ablation``.
        plots: the files that ``figures.draw`` saved, by name.
        per_cell: added to the captions of plots that show cells instead of trials.
        found: about the study's health.
    """
    record = results.record
    return [
        *caveats.above(record, folder),
        *content.first,
        *health.section(found),
        *caveats.of_ledger(record, folder),
        *plot_sections.sections(plots, per_cell),
        *plot_sections.epochs(results, folder),
        *plot_sections.tasks(results, folder),
        *plot_sections.test_images(folder),
        *affinity_trend.section(record),
        setup.section(record),
        *_failed(record.in_state("failed")),
        *caveats.other_code(record),
        *document.details(content.details),
        use_it.section(results, folder),
    ]


def of_ablation(results: AblationResults, folder: StudyFolder) -> Content:
    """The parts that only an ablation's report has."""
    record, plan = results.record, results.record.plan
    replayed = plan.ablation.replayed
    first: Parts = [
        Prose(
            f"Grid `{plan.grid.name}` of `{plan.space}` on `{record.data.dataset}`: "
            f"{counted(plan.trials, 'trial')}, {counts(record) or 'none run'}."
        ),
        *_budget(record),
        *(reruns.replay_section(record, replayed) if replayed else []),
        verdicts.section(results, horizon.blocks(results, folder)),
        *task_gains.section(results),
        *folds.section(results),
        *uncertainty.section(results, folder),
        *class_shares.section(results, folder),
    ]
    details = [
        *ablation_table.tables(results),
        *published.sections(results),
        *cell_search.section(record),
        *beginnings.section(record),
        *refinement.section(record),
        *per_class.of_ablation(results, folder),
        *films.of_ablation(results, folder),
        *cost.of_ablation(record),
        *gpu_hours.section(results),
    ]
    return Content(first, details)


def of_search(
    results: SearchResults, folder: StudyFolder, importance: Mapping[str, float]
) -> Content:
    """The parts that only a search's report has."""
    record, plan, search = results.record, results.record.plan, results.record.plan.search
    trials = counted(search.trials, "trial")
    where = record.data.list_name("val")
    parts: Parts = [
        Prose(
            f"Space `{plan.space}` on `{record.data.dataset}`, digest {record.data.digest}. "
            f"{trials} of up to {counted(plan.epochs, 'epoch')}: {counts(record) or 'none'}."
        ),
        Prose(
            f"Ranked by {aims(plan)} on the {where} {after(plan)}; pruned trials come last. "
            f"Sampler {search.sampler}, scheduler {search.scheduler}, seed {plan.seed}. "
            f"Evaluated: {evaluation.described(plan.base)}."
        ),
        *_budget(record),
        *confirmation.section(results),
        *(uncertainty.section(results.confirmation, folder) if results.confirmation else []),
    ]
    if len(plan.objectives) > 1:
        untested = [Points(results.untested)] if results.untested else []
        parts.append(Section("Pareto set", [Sheet(*pareto.rows(results)), *untested]))
    else:
        parts += winner(results)
    parts += reruns.rerun_section(record, results.best, folder)
    paths = [dimension.path for dimension in space_of(record).dimensions]
    parts += first_trials(record, results.ranking, paths)
    parts += importances.section(record, importance)
    tables = ablation_table.tables(results.confirmation) if results.confirmation else []
    every = [Section("All trials", [ranking(record, results.ranking, paths)])]
    details = [
        *tables,
        *(every if len(results.ranking) > SHOWN else []),
        *refinement.section(record),
        *per_class.of_search(results, folder),
        *films.of_search(results, folder),
        *cost.of_search(results),
        *gpu_hours.section(results),
    ]
    return Content(parts, details)


def _budget(record: StudyRecord) -> Parts:
    spent = record.budget_spent
    return [Prose(f"Not all of it ran: {budget.stated(record)}.")] if spent else []


def _failed(failed: list[TrialRecord]) -> Parts:
    return [Section("Failed", [Points([_failure(trial) for trial in failed])])] if failed else []


def _failure(trial: TrialRecord) -> str:
    assert trial.failure is not None
    where = f" ({trial.cell}, {trial.where})" if trial.cell else ""
    return f"trial {trial.number}{where}: {trial.failure.kind}: {trial.failure.first_line}"


def counts(record: StudyRecord) -> str:
    """The number of trials in each state, the failures by kind, and the untested trials."""
    found = [
        f"{len(record.in_state(state))} {state}" + (_kinds(record) if state == "failed" else "")
        for state in ("complete", "pruned", "failed", "running")
        if record.in_state(state)
    ]
    untested = sum(bool(trial.untested) for trial in record.trials.values())
    return ", ".join([*found, *([f"{untested} of them untested"] if untested else [])])


def _kinds(record: StudyRecord) -> str:
    kinds = Counter(trial.failure.kind for trial in record.trials.values() if trial.failure)
    return " (" + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) + ")"


def aims(plan: Plan) -> str:
    """The objectives by which trials are ranked."""
    named = " and ".join(f"`{name}` ({mode})" for name, mode in plan.objectives.items())
    several = len(plan.objectives) > 1
    return f"the Pareto layer of {named}, within it by the first," if several else named
