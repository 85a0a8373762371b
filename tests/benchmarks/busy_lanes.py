"""The share of time in which lanes train or evaluate: 40 trials of 10 s on 2 lanes, by the ledger.

    python tests/benchmarks/busy_lanes.py [--trials 40] [--lanes 2] [--workers 1]

Real lanes, real checkpoints, real driver; an epoch sleeps, so that lanes do not fight for the
machine's cores and what is left is what lies between epochs and trials.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

EPOCH_S, EPOCHS = 5.0, 2


def sleeping_work(loop_config: dict[str, Any]) -> None:
    """The lane's own loop, with a worker whose epochs sleep."""
    import numpy as np
    import ray

    from trainables import worker

    class Sleeping(worker.Worker):
        epoch = 0

        def start(self, command: Any) -> int:
            self.training: Any = self
            self.epoch = 0
            return 0

        def run_epoch(self, training: Any) -> dict[str, Any]:
            time.sleep(EPOCH_S)
            self.epoch += 1
            metrics = {"miou": 0.5, "train/loss": 1.0}
            return {"epoch": self.epoch, "metrics": metrics, "train_s": EPOCH_S,
                    "evaluate_s": 0.0, "system": {}}  # fmt: skip

        def save(self, training: Any) -> dict[str, Any]:
            return {"state": ray.put(b"-"), "counts": b"-",
                    "predictions": np.zeros((1, 1, 1), np.uint8)}  # fmt: skip

    setattr(worker, "Worker", Sleeping)  # noqa: B010
    worker.work(loop_config)


def busy(events: list[dict[str, Any]], lanes: int) -> tuple[float, float]:
    """The share, from the first lane's first step to the last trial's end; and that time."""
    epochs = [event for event in events if event["event"] == "epoch"]
    begin = min(event["time"] - event["seconds"] for event in epochs)
    span = max(event["time"] for event in epochs) - begin
    return sum(event["seconds"] for event in epochs) / (lanes * span), span


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    from cluster.session import session

    with tempfile.TemporaryDirectory() as folder, session(100 * 2**20):
        from search_spaces import SPACES
        from study import tuner
        from study.ledger import read
        from tests.study import fake
        from trainables import lane
        from trainables.config import TrialConfig
        from trainables.mailbox import LaneSettings
        from trainables.trial import Trial

        class OnSleepingLane(Trial):
            def setup(self, config: dict[str, Any], settings: LaneSettings | None = None) -> None:
                setattr(lane, "work", sleeping_work)  # noqa: B010
                super().setup(config, settings)

        setattr(tuner, "Trial", OnSleepingLane)  # noqa: B010
        base = TrialConfig().changed({**SPACES["region"].base, "epochs": EPOCHS})
        plan = fake.plan(
            Path(folder), space="region", base=base, trials=given.trials, lanes=given.lanes,
            workers=given.workers, most_lanes=given.lanes,
        )  # fmt: skip
        ledger = fake.begin(plan)
        settings = LaneSettings(given.workers, 1, 0, f"{folder}/lanes", f"{folder}/stages")
        begin = time.time()
        tuner.run(plan, SPACES["region"], ledger, settings, [])
        events = read(ledger.path)[0]
    share, span = busy(events, given.lanes)
    first = min(e["time"] - e["seconds"] for e in events if e["event"] == "epoch") - begin
    print(f"{given.trials} trials of {EPOCHS * EPOCH_S:.0f} s on {given.lanes} lanes of "
          f"{given.workers}: busy {100 * share:.1f} % of {span:.0f} s; first step after "
          f"{first:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
