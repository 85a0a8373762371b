"""The time between trials on a warm lane and by the pattern of Ray's guide, in one run.

    python tests/benchmarks/trial_turnover.py [--lane-trials 20] [--guide-trials 3] [--workers 2]

Trials are empty, so that only the turnover is measured. The guide's pattern is a Tune function
that calls ``TorchTrainer.fit()`` for every trial
(https://docs.ray.io/en/latest/train/user-guides/hyperparameter-optimization.html). Both run one
trial at a time on the same cluster. For each, the time between the ends of consecutive trials
is measured; the first trial, which starts the processes, is reported apart.

The floor of a lane's turnover: four messages to Tune's actor (reset, train, save, stop), four
commands through the mailbox, and building a model.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from cluster.session import ray_session

TINY = {
    "data/height": 8,
    "data/width": 8,
    "data/train_images": 2,
    "data/val_images": 2,
    "data/test_images": 1,
    "model/width": 4,
    "batch": 2,
    "epochs": 1,
}


class Ends:
    """Notes when each trial ended."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.times: list[float] = []

    def callback(self) -> Any:
        from ray import tune

        ends = self

        class Note(tune.Callback):
            def on_trial_complete(self, *_: Any, **__: Any) -> None:
                ends.times.append(time.monotonic() - ends.begin)

            def __getstate__(self) -> dict[str, Any]:
                return {}

        return Note()

    def gaps(self) -> list[float]:
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]

    def row(self, name: str) -> str:
        gaps = self.gaps()
        return (
            f"| {name} | {len(self.times)} | {self.times[0]:.1f} | {statistics.median(gaps):.2f} "
            f"| {max(gaps):.2f} |"
        )


def lane_trials(count: int, workers: int, storage: Path) -> Ends:
    """Empty trials on one lane: a tiny model, two images, one epoch."""
    import ray
    from ray import tune

    from trainables.config import TrialConfig, flatten
    from trainables.data import load
    from trainables.lane.mailbox import LaneSettings, SharedData
    from trainables.lane.trial import Trial

    config = TrialConfig().changed(TINY)
    settings = LaneSettings(
        workers=workers,
        cpus_per_worker=1,
        gpus_per_worker=0,
        storage=str(storage / "lanes"),
        stages=str(storage / "stages"),
        checkpoints=str(storage / "lane"),
        study="",
        data=SharedData(config.data, ray.put(load(config.data))),
    )
    ends = Ends()
    trainable = tune.with_resources(
        tune.with_parameters(Trial, settings=settings), {"memory": 2**20}
    )
    tune.Tuner(
        trainable,
        param_space={
            "number": tune.grid_search(list(range(count))),
            "params": {},
            "config": flatten(config),
            "resume_from": "",
        },
        tune_config=tune.TuneConfig(max_concurrent_trials=1, reuse_actors=True),
        run_config=tune.RunConfig(
            name="lane",
            storage_path=str(storage),
            verbose=0,
            callbacks=[ends.callback()],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    ).fit()
    return ends


def guide_trials(count: int, workers: int, storage: Path) -> Ends:
    """Empty trials by the guide: one Ray Train job each."""
    import ray.train
    from ray import tune
    from ray.train.torch import TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    def loop(config: dict[str, Any]) -> None:
        ray.train.report({"done": 1})

    def driver(config: dict[str, Any]) -> None:
        trial_id = tune.get_context().get_trial_id()
        TorchTrainer(
            loop,
            train_loop_config=config,
            scaling_config=ray.train.ScalingConfig(
                num_workers=workers, resources_per_worker={"CPU": 0.9}
            ),
            run_config=ray.train.RunConfig(
                name=f"train-{trial_id}",
                storage_path=str(storage / "train"),
                callbacks=[TuneReportCallback()],
            ),
        ).fit()

    ends = Ends()
    tune.Tuner(
        tune.with_resources(driver, {"CPU": 0.001}),
        param_space={"number": tune.grid_search(list(range(count)))},
        tune_config=tune.TuneConfig(max_concurrent_trials=1),
        run_config=tune.RunConfig(
            name="guide", storage_path=str(storage), verbose=0, callbacks=[ends.callback()]
        ),
    ).fit()
    return ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lane-trials", type=int, default=20)
    parser.add_argument("--guide-trials", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ray_session(256 * 2**20):
        lane = lane_trials(given.lane_trials, given.workers, Path(folder))
        guide = guide_trials(given.guide_trials, given.workers, Path(folder))
    ratio = statistics.median(guide.gaps()) / statistics.median(lane.gaps())
    print("| pattern | trials | first trial, s | from one to the next, median s | longest s |")
    print("|---|---|---|---|---|")
    print(lane.row(f"a lane of {given.workers} workers"))
    print(guide.row("Ray's guide"))
    print(f"\na lane turns over {ratio:.0f} times faster")


if __name__ == "__main__":
    main()
