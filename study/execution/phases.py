"""The phases of a study, each a searcher: searches first, then what compares their winners."""

from collections.abc import Callable, Iterator, Sequence

from search_spaces import Space
from study.analysis.confirmation import chosen_cells, search_ended, winner_of
from study.ledger.design import Ablation, Search
from study.ledger.events import Chosen
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.trial_record import InterruptedTrial, TrialRecord
from study.search import cell_search
from study.search.beginnings import Beginnings
from study.search.grid_search import GridSearch
from study.search.optuna_search import LedgerSearch
from study.search.planned_search import PlannedSearch
from study.search.reuse import DrawReuse, reusable_runs, reuse_trial


def phases(
    plan: Plan,
    space: Space,
    ledger: Ledger,
    interrupted: Sequence[InterruptedTrial],
    on_reuse: Callable[[TrialRecord], None],
) -> Iterator[PlannedSearch]:
    """Yield a searcher for each phase that has not ended.

    The caller takes the next one when every trial of the last one has ended. Trials that another
    study has completed are written to the ledger before their phase.

    Args:
        interrupted: trials of an earlier attempt; they all belong to the first phase that is left.
        on_reuse: receives each reused trial of a search.
    """
    record = ledger.record
    if pending(plan, record):
        reuse = DrawReuse(plan, ledger, on_reuse)
        yield make_search(plan, space, record, interrupted, reuse)
        interrupted = []
        if not choose(plan, ledger):
            return
    reuse_runs(plan, ledger)
    yield GridSearch(record, Beginnings(plan, ledger), interrupted)


def pending(plan: Plan, record: StudyRecord) -> bool:
    """Whether a search, of the space or of the cells, has not ended."""
    if isinstance(plan.design, Search):
        return not record.chosen and not (search_ended(record) and not plan.design.confirm)
    return cell_search.pending(plan, record)


def choose(plan: Plan, ledger: Ledger) -> bool:
    """Write what the searches have chosen to the ledger; False if nothing is left to compare."""
    if isinstance(plan.design, Ablation):
        return cell_search.choose_weights(plan, ledger)
    winner = winner_of(ledger.record)
    if not plan.design.confirm or not search_ended(ledger.record) or winner is None:
        return False
    ledger.append(Chosen(cells=chosen_cells(winner)))
    return True


def reuse_runs(plan: Plan, ledger: Ledger) -> None:
    """Write the comparing runs that another study has completed to the ledger."""
    for run, earlier in reusable_runs(plan, ledger.record.data.digest, ledger.record):
        reuse_trial(ledger, run, earlier)


def make_search(
    plan: Plan,
    space: Space,
    record: StudyRecord,
    interrupted: Sequence[InterruptedTrial],
    reuse: DrawReuse | None = None,
) -> PlannedSearch:
    """The searcher that draws a plan's trials: for each cell in turn, or with Optuna."""
    if isinstance(plan.design, Search):
        return LedgerSearch(record, space, interrupted, plan.resolve, reuse)
    return cell_search.CellSearch(plan, record, interrupted, reuse)
