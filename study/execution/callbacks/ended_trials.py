"""Forgets what Tune remembers of trials that have ended."""

from ray.tune.experiment import Trial

from study.execution.callbacks.driver_callback import DriverCallback


class EndedTrials(DriverCallback):
    """Drops statistics and configs of ended trials, two thirds of what a trial adds to the driver.

    Tune keeps every trial until the end, with running averages of each metric and two copies of the
    config, for schedulers and loggers that ask after running trials only. The ledger has them all.
    """

    def __init__(self) -> None:
        self._ended: list[Trial] = []

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        self._ended.append(trial)

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: object
    ) -> None:
        self._ended.append(trial)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: object) -> None:
        """Only now: other callbacks and the searcher have had the trial's last result."""
        for trial in self._ended:
            if trial.is_finished():
                _forget(trial)
        self._ended.clear()


def _forget(trial: Trial) -> None:
    metadata, number = trial.run_metadata, trial.config["number"]
    metadata.metric_analysis, metadata.metric_n_steps = {}, {}
    trial.evaluated_params, trial.config = {}, {"number": number}
    trial._Trial__unresolved_config = trial.config
    trial.invalidate_json_state()
