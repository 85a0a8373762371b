"""Tune does not unpickle a failed trial's error from the storage."""

from pathlib import Path

import pytest
import ray
from ray import tune
from ray.tune.experiment import trial as tune_trial

from cluster.session import ray_session
from study.execution.callbacks.pickled_errors import NoPickledErrors

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(400)]


def fail(config: dict[str, object]) -> None:
    raise KeyError("why")


def test_a_failed_trial_s_error_is_read_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpickled: list[bytes] = []
    loads = tune_trial.cloudpickle.loads

    def load(content: bytes) -> object:
        unpickled.append(content)
        return loads(content)

    with ray_session(100 * 2**20):
        assert ray.is_initialized()
        monkeypatch.setattr(tune_trial.cloudpickle, "loads", load)
        callbacks: list[tune.Callback] = [NoPickledErrors()]
        run_config = tune.RunConfig(
            name="a", storage_path=str(tmp_path), callbacks=callbacks, verbose=0
        )
        grid = tune.Tuner(fail, run_config=run_config).fit()
    stored = [path.read_bytes() for path in tmp_path.rglob("error.pkl")]
    assert stored, "Tune no longer pickles errors"
    assert not set(stored) & set(unpickled)
    assert "why" in str(grid[0].error)
