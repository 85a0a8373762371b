"""Runs a checked plan: its trials, then the evaluation of its finalists on the test list."""

import logging
import time
from collections.abc import Sequence
from functools import cached_property

import ray

from cluster.accelerators import accelerators
from search_spaces import Space
from study.analysis import image_bootstrap
from study.analysis.confirmation import planned_trials
from study.analysis.costs import cost_key
from study.analysis.planned_looks import is_look_due
from study.analysis.results import results_of
from study.execution import finalists, tuner
from study.execution.callbacks.ledger_writer import StageWatch
from study.execution.checkpoints import CheckpointRemover
from study.execution.interrupted import continue_after, interrupted_trials
from study.execution.looking import next_look
from study.execution.phases import pending, reuse_runs
from study.execution.stopping import Faults
from study.execution.test_evaluation import ClusterEvaluation
from study.ledger.events import (
    BudgetSpent,
    Ended,
    ImagesResampled,
    NetworkMeasured,
    Planned,
    Resumed,
)
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.provenance import DataFacts, provenance
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import FINAL, InterruptedTrial, TrialRecord
from study.planning import budget
from study.planning.weights import contents
from trainables.data import Dataset
from trainables.lane.mailbox import LaneSettings, SharedData
from trainables.lane.refiner import Refiner
from trainables.plugin import Plugin
from trainables.training.restore import Seen

_logger = logging.getLogger(__name__)


class Execution:
    """One attempt at a study, which writes everything that happens to the ledger."""

    def __init__(
        self, plan: Plan, space: Space, dataset: Dataset, ledger: Ledger, faults: Faults
    ) -> None:
        self._plan, self._space, self._dataset = plan, space, dataset
        self._ledger, self._faults = ledger, faults
        self._folder = StudyFolder.of(plan)

    # Made on first use: a study that has ended needs no Ray.
    @cached_property
    def _shared(self) -> "ray.ObjectRef[Dataset]":
        """One copy of the dataset per machine."""
        return ray.put(self._dataset)

    @cached_property
    def _tests(self) -> ClusterEvaluation:
        objective = self._plan.objective, self._plan.mode
        refiner = Refiner(str(self._folder.stages), self._ledger.record.mark, objective)
        return ClusterEvaluation(self._plan, self._shared, refiner)

    def run(self) -> None:
        """Run what is left of the study, until it ends or has a reason to stop.

        Raises:
            StorageError: the study's folder cannot be written.
            DataError: a file of the dataset cannot be used.
        """
        if (record := self._ledger.record).ended:  # only its report or MLflow is missing
            return
        interrupted = self._begin()
        self._ledger.listeners.append(CheckpointRemover(self._folder, record))
        while True:
            self._run_trials(interrupted)
            if self._faults.stop.reason:
                return
            if not is_look_due(record.plan, record):
                break
            self._measure_finalists()  # a look is at the list of the verdict
            self._ledger.append(next_look(record))
            interrupted = []
        complete = len(record.in_state(*FINAL)) == planned_trials(record, self._plan)
        spent = not complete and budget.is_spent(record)
        if spent:
            self._ledger.append(BudgetSpent(used=budget.used_hours(record, time.time())))
        if complete or spent:
            self._measure_networks()  # first: MLflow writes a trial again when it is tested
            self._measure_finalists()
        if complete:
            self._end()

    def _run_trials(self, interrupted: Sequence[InterruptedTrial]) -> None:
        """Run the trials before the next look; their lanes then end, and free the machine."""
        if not pending(self._plan, self._ledger.record):
            # If that is all that is left, Tune never starts.
            reuse_runs(self._plan, self._ledger)
        if is_look_due(self._plan, self._ledger.record):
            return
        tuner.run(
            self._plan,
            self._space,
            self._ledger,
            self._lane_settings(),
            interrupted,
            self._faults,
            self._dataset.digest,
        )

    def look(self, trials: Sequence[TrialRecord], rows: list[int]) -> list[Seen]:
        """Run the networks of these trials on some images of the test list, given by ``rows``.

        Raises:
            DamageError: a trial's measured checkpoint is gone or damaged.
        """
        return self._tests.look(trials, self._measured_state, rows)

    def _begin(self) -> list[InterruptedTrial]:
        """Write the first event of the attempt; return the trials to continue."""
        ledger, plan = self._ledger, self._plan
        if ledger.record.planned is None:
            facts, weights = _facts(self._dataset), contents(plan, self._space)
            begun = provenance(accelerators())
            ledger.append(Planned(plan=plan, data=facts, provenance=begun, weights=weights))
            return []
        self._folder.remove_drafts()
        interrupted = interrupted_trials(ledger, self._folder)
        after = continue_after(interrupted)
        ledger.append(
            Resumed(
                continue_after=after,
                lanes=plan.lanes,
                budget=dict(plan.budget),
                provenance=provenance(accelerators()),
            )
        )
        return interrupted

    def _lane_settings(self) -> LaneSettings:
        plan, plugin = self._plan, self._plan.plugin
        planned = self._ledger.record.planned
        weights = dict(planned.weights) if planned is not None else {}
        return LaneSettings(
            workers=plan.workers,
            cpus_per_worker=plan.cpus_per_worker,
            gpus_per_worker=plan.gpus_per_worker,
            storage=str(self._folder.lanes),
            stages=str(self._folder.stages),
            study=self._ledger.record.mark,
            data=SharedData(plan.config.data, self._shared),
            plugin=None if plugin is None else Plugin(plugin.name, plugin.text),
            on_oom=self._faults.policy.on_oom,
            weights=weights,
            gpu_context_mib=plan.gpu_context_mib,
            objective=(plan.objective, plan.mode),
        )

    def _measured_state(self, trial: TrialRecord) -> bytes:
        return self._folder.measured_checkpoint(trial).state()

    def _measure_finalists(self) -> None:
        finalists.measure(self._tests, self._folder, self._ledger)
        finalists.measure_others(self._tests, self._folder, self._ledger)
        # What the tests themselves have trained: SegFix's.
        StageWatch(self._ledger, self._folder.stages, self._dataset.digest).look()

    def _measure_networks(self) -> None:
        """Measure what the finalists' networks cost in use, once for each distinct network."""
        record = self._ledger.record
        for trial in results_of(record).finalists:
            key = cost_key(trial.config)
            if key in record.networks:
                continue
            try:
                data = self._dataset
                given = data.num_classes, self._size(trial), data.pixels, len(data.parts)
                cost = self._tests.cost(trial, *given)
            except ray.exceptions.RayError as error:  # the verdict does not need it
                _logger.warning("the cost of %s is unknown: %s", trial.folder, error)
                continue
            self._ledger.append(NetworkMeasured(key=key, **vars(cost)))

    def _size(self, trial: TrialRecord) -> tuple[int, int]:
        """Rows and columns of the first test image as the trial sees it."""
        rows, columns = self._dataset.splits["test"].images_NHWC[0].shape[:2]
        given = (int(trial.config[f"data/{side}"]) for side in ("height", "width"))
        height, width = given
        return height or int(rows), width or int(columns)

    def _end(self) -> None:
        record = self._ledger.record
        comparison = results_of(record).comparison
        if comparison is not None and not record.images:
            metrics = image_bootstrap.over_images(self._folder, comparison.record)
            self._ledger.append(ImagesResampled(metrics=metrics))
        # Marked first: if the driver is killed next, a resume still writes the report.
        self._folder.mark_outdated()
        self._ledger.append(Ended())


def _facts(dataset: Dataset) -> DataFacts:
    return DataFacts(
        dataset=dataset.name,
        digest=dataset.digest,
        classes=list(dataset.classes),
        size=list(dataset.size or ()),
        images={split: len(images) for split, images in dataset.splits.items()},
        lists=dict(dataset.lists),
        shared=dict(dataset.shared),
        unit=dataset.splits["val"].unit,
        folds=[{split: len(places) for split, places in lists.items()} for lists in dataset.folds],
    )
