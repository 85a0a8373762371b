"""Keeps Tune from unpickling what lies in a storage."""

from ray.tune.experiment import Trial

from study.execution.callbacks.driver_callback import DriverCallback


class NoPickledErrors(DriverCallback):
    """Has Tune read a failed trial's error as text.

    When it ends, ``Tuner.fit`` builds a grid of results that nobody reads, and unpickles
    ``error.pkl`` of each failed trial from the storage, where others may have replaced it. It looks
    for that file only while the trial's state names it; tested with Ray 2.58 to 2.60.
    """

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        _forget([trial])

    def on_experiment_end(self, trials: list[Trial], **info: object) -> None:
        _forget(trials)


def _forget(trials: list[Trial]) -> None:
    for trial in trials:
        assert hasattr(trial.run_metadata, "pickled_error_filename"), "another version of Ray"
        trial.run_metadata.pickled_error_filename = None
