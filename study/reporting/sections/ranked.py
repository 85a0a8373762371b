"""The parts of a search's report that rank its trials."""

from study.analysis.measured_epoch import after, flipped
from study.analysis.results import SearchResults
from study.analysis.units import unit_in
from study.ledger.record import StudyRecord
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Parts, Prose, Section, Sheet
from study.reporting.values import formatted, headline, is_share, metric_head, metric_value
from trainables.config.words import counted

SHOWN = 10
"""Trials in the ranking before the plots; the details have all."""


def first_trials(record: StudyRecord, ranked: list[TrialRecord], paths: list[str]) -> Parts:
    """The first lines of the ranking."""
    sheet = ranking(record, ranked[:SHOWN], paths)
    left = len(ranked) - SHOWN
    more = [Prose(f"{counted(left, 'more trial')} below, in the details.")] if left > 0 else []
    return [Section("Ranking", [sheet, *more])]


def winner(results: SearchResults) -> Parts:
    """The winner on the validation list, which chose it, and on the independent test list."""
    best, lists = results.best, results.record.data.lists
    title = f"The winner on the {results.record.data.list_name('test')}"
    if best is not None and best.untested:
        said = f"Trial {best.number} is untested: {best.untested}"
        return [Section(title, [Prose(said)])]
    if best is None or best.tested is None:
        return []
    record, tested, shown = results.record, best.tested, headline(results.record.plan)
    shares, other = all(is_share(name) for name in shown), best.other
    rows = [
        [
            name if shares else metric_head(name, unit_in(record, name)),
            metric_value(name, best.metrics.get(name)),
            metric_value(name, tested.get(f"test_{name}")),
            *([metric_value(name, other.metrics.get(f"test_{name}"))] if other else []),
        ]
        for name in shown
    ]
    params = ", ".join(f"`{path}` {formatted(value)}" for path, value in best.params.items())
    where = results.record.data.list_name("val")
    text = f"Trial {best.number}, chosen on the {where}: {params}.{tie(results)}"
    unit = " %" if shares else ""
    heads = [f"{lists.get('val', 'validation')}{unit}", f"{lists.get('test', 'test')}{unit}"]
    if other:  # of the same training
        heads.append(f"{heads[1]}, {after(flipped(record.plan))}")
    sheet = Sheet(["metric", *heads], rows)
    return [Section(title, [Prose(text), sheet])]


def tie(results: SearchResults) -> str:
    """A warning if other trials equal the winner; "" if none does."""
    if results.tied < 2:
        return ""
    return (
        f" {results.tied} trials have exactly this {results.record.plan.objective}: the ranking "
        f"says nothing about them."
    )


def ranking(record: StudyRecord, trials: list[TrialRecord], paths: list[str]) -> Sheet:
    """The ranked trials as a table; fractions in percent.

    Args:
        trials: best first.
        paths: the searched parameters.
    """
    shown = headline(record.plan)
    heads = [metric_head(name, unit_in(record, name)) for name in shown]
    head = ["#", "trial", *paths, *heads, "epochs", "state"]
    rows = []
    for place, trial in enumerate(trials, start=1):
        params = [formatted(trial.params.get(path)) for path in paths]
        metrics = [metric_value(name, trial.metrics.get(name)) for name in shown]
        rows.append(
            [str(place), str(trial.number), *params, *metrics, str(trial.last_epoch), trial.state]
        )
    return Sheet(head, rows)
