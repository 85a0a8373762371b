"""The driver's memory: what Tune remembers of a trial is dropped once the trial has ended."""

import pickle
from pathlib import Path

from ray.train._internal.storage import StorageContext
from ray.tune.experiment import Trial

from study.execution.callbacks.ended_trials import EndedTrials

CONFIG = {"number": 3, "config": {f"loss/field_{n}": 0.5 for n in range(60)}}


def trial_of_tune(folder: Path) -> Trial:
    storage = StorageContext(storage_path=str(folder), experiment_dir_name="e")
    trial = Trial(
        "t", config=dict(CONFIG), evaluated_params=dict(CONFIG), storage=storage, stub=True
    )
    for step in range(1, 11):
        metrics = {f"metric_{n}": n / step for n in range(40)}
        trial.update_last_result({**metrics, "training_iteration": step})
    return trial


def held(trial: Trial) -> int:
    """Bytes of what differs from trial to trial."""
    return len(pickle.dumps([vars(trial.run_metadata), trial.evaluated_params, trial.config]))


def end_step(callback: EndedTrials, trial: Trial) -> None:
    callback.on_trial_complete(0, [trial], trial)
    callback.on_step_end(0, [trial])


def test_an_ended_trial_is_forgotten_but_for_its_number_and_last_result(tmp_path: Path) -> None:
    trial, callback = trial_of_tune(tmp_path), EndedTrials()
    before = held(trial)
    trial.set_status(Trial.TERMINATED)
    end_step(callback, trial)
    assert held(trial) < before / 4
    assert trial.config == {"number": 3}
    assert trial.last_result["metric_3"] == 3 / 10
    fresh = vars(Trial("t", stub=True))
    private = "_Trial__unresolved_config"
    assert private in fresh, "Tune's second copy of the config has another name"
    assert vars(trial)[private] == {"number": 3}
    assert trial.get_json_state()


def test_a_trial_that_tune_starts_again_keeps_its_config(tmp_path: Path) -> None:
    trial, callback = trial_of_tune(tmp_path), EndedTrials()
    trial.set_status(Trial.PENDING)
    end_step(callback, trial)
    assert trial.config == CONFIG
    assert trial.run_metadata.metric_analysis
