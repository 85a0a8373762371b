"""Measures a study's finalists on the test list: a search's winner or Pareto set, or an ablation's
complete trials. What an earlier attempt measured is left out.

A trial whose checkpoint is gone or damaged, or that cannot be refined, is untested, for a reason
that is recorded.
"""

from study.analysis.networks import others_due
from study.execution.looking import unmeasured
from study.execution.test_evaluation import ClusterEvaluation
from study.ledger.event_values import Metrics
from study.ledger.events import OtherTested, Tested, Untested
from study.ledger.ledger import Ledger
from study.ledger.study_folder import StudyFolder
from study.ledger.tested import Refined
from study.ledger.trial_record import TrialRecord
from trainables.training.refinement import Refinement
from trainables.training.restore import Measured


def measure(tests: ClusterEvaluation, folder: StudyFolder, ledger: Ledger) -> None:
    """Measure the networks that the results rest on."""
    trials = unmeasured(ledger.record)
    for trial, found in tests.measure(trials, lambda t: folder.measured_checkpoint(t).state()):
        if isinstance(found, Measured):
            folder.write_counts(trial.number, found.counts)
            refined = _refined(found.refinement)
            ledger.append(Tested(trial=trial.number, metrics=found.metrics, refined=refined))
        elif trial.untested != str(found):
            ledger.append(Untested(trial=trial.number, reason=str(found)))


def measure_others(tests: ClusterEvaluation, folder: StudyFolder, ledger: Ledger) -> None:
    """Measure the networks beside them, where both are requested (``eval/both_checkpoints``)."""
    due = others_due(ledger.record)
    trials = [ledger.record.trials[number] for number in sorted(due)]
    for trial in trials:
        if trial.other_epoch == trial.measured_epoch:  # one network is both
            _write(ledger, trial, trial.tested or {}, trial.untested, trial.refined)
    left = [trial for trial in trials if trial.other_epoch != trial.measured_epoch]

    def state(trial: TrialRecord) -> bytes:
        return folder.measured_checkpoint(trial, trial.other_epoch).state()

    for trial, found in tests.measure(left, state):
        if isinstance(found, Measured):
            _write(ledger, trial, found.metrics, "", _refined(found.refinement))
        else:
            _write(ledger, trial, {}, str(found))


def _refined(found: Refinement) -> Refined | None:
    return Refined(chosen=dict(found.chosen), value=found.value) if found.chosen else None


def _write(
    ledger: Ledger,
    trial: TrialRecord,
    metrics: Metrics,
    untested: str,
    refined: Refined | None = None,
) -> None:
    """Write the test of a trial's other network, unless the ledger has just that."""
    assert trial.other_epoch is not None
    event = OtherTested(
        trial=trial.number,
        epoch=trial.other_epoch,
        metrics=metrics,
        untested=untested,
        refined=refined,
    )
    if trial.other is None or trial.other.untested != untested:
        ledger.append(event)
