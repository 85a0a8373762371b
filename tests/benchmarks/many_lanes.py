"""What a driver costs with many lanes: real Tune controller, search, ledger and table, simulated
lanes. `python tests/benchmarks/many_lanes.py --lanes 512 --trials 5000`.

Prints the driver's milliseconds per trial and per epoch, whether they grow with earlier trials,
its memory, and the epoch length below which lanes wait for the driver.
"""

import argparse
import logging
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import ray
from ray import tune
from ray.tune.execution import tune_controller
from rich.console import Console

from cluster.resources import Node
from cluster.session import _QUIET
from study.execution import tuner
from study.execution.stopping import Faults, Policy, Stop
from study.ledger.events import Event, Finished
from study.reporting.terminal.progress import LiveProgress
from tests.benchmarks.simulated_actors import SimulatedActors
from tests.study import fake
from trainables.lane.mailbox import LaneSettings
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, to_tune

PARTS = 5
"""Consecutive parts of the trials: the driver's cost must not grow from one to the next."""


class Parts:
    """A listener of the ledger: wall and processor time of each part of the trials."""

    def __init__(self, trials: int) -> None:
        self.ends = [trials * part // PARTS for part in range(1, PARTS + 1)]
        self.seen = 0
        self.marks = [(time.perf_counter(), time.process_time())]

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Finished):
            return
        self.seen += 1
        if self.seen in self.ends:
            self.marks.append((time.perf_counter(), time.process_time()))
            (real, cpu), (before, cpu_before) = self.marks[-1], self.marks[-2]
            trials = max(self.seen // len(self.marks[1:]), 1)
            print(
                f"trials to {self.seen}: {1e3 * (real - before) / trials:.1f} ms a trial, "
                f"{1e3 * (cpu - cpu_before) / trials:.1f} of the processor; "
                f"{memory_mib():.0f} MiB",
                flush=True,
            )


def memory_mib() -> float:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def object_store_mib() -> float:
    """Ray's object store in use now; its resource counts bytes."""
    name = "object_store_memory"
    used = ray.cluster_resources()[name] - ray.available_resources().get(name, 0.0)
    return used / 2**20


class SimulatedTrial(tune.Trainable):
    """Reports as ``trainables.lane.trial.Trial`` does, without a lane."""

    def setup(self, config: dict[str, object], settings: LaneSettings | None = None) -> None:
        self.reset_config(config)
        self.lane_name = f"lane-{id(self):x}"

    def reset_config(self, new_config: dict[str, object]) -> bool:
        self.flat, self.epoch = TrialSpec.from_tune(new_config).config, 0
        return True

    def step(self) -> dict[str, object]:
        self.epoch += 1
        miou = fake.miou(self.flat, self.epoch)
        metrics = {"miou": miou, "pixel_accuracy": miou, "boundary_f_1px": miou, "train/loss": 1.0}
        report = EpochReport(
            epoch=self.epoch,
            metrics=metrics,
            lane=self.lane_name,
            train_s=9.0,
            evaluate_s=1.0,
            system={},
            done=self.epoch >= int(self.flat["epochs"]),
        )
        return to_tune(report)


def simulate(lanes: int, trials: int, sampler: str, table: bool, folder: Path) -> dict[str, float]:
    """Real seconds of the driver, and virtual seconds of the study."""
    plan = fake.plan(folder, lanes=lanes, trials=trials, sampler=sampler)
    ledger = fake.begin(plan)
    if table:
        console = Console(file=open(os.devnull, "w"))
        ledger.listeners.append(LiveProgress(console, ledger.record.copy(), folder))
    ledger.listeners.append(Parts(trials))
    settings = LaneSettings(1, 1, 0, str(folder), str(folder), "")
    begin, cpu = time.perf_counter(), time.process_time()
    tuner.run(plan, fake.SPACE, ledger, settings, [], Faults(Policy(), Stop()))
    took, cpu = time.perf_counter() - begin, time.process_time() - cpu
    actors = SimulatedActors.last
    assert actors is not None
    done = len(ledger.record.in_state("complete"))
    failures = [trial.failure for trial in ledger.record.in_state("failed")]
    assert done == trials, f"{done} of {trials}, {failures[:1]}"
    return {
        "lanes": actors.most_live,
        "trials": trials,
        "driver_s": took - actors.inside_s,
        "cpu_s": cpu,
        "virtual_s": actors.clock,
        "ledger_mb": ledger.path.stat().st_size / 2**20,
        "memory_mb": memory_mib(),
        "store_mb": object_store_mib(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=512)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--epoch-s", type=float, default=60.0, help="virtual, of an epoch")
    parser.add_argument("--no-table", action="store_true")
    given = parser.parse_args()
    SimulatedActors.step_s = given.epoch_s
    tune_controller.RayActorManager = SimulatedActors
    tuner.Trial = SimulatedTrial  # type: ignore[misc]
    tuner.session.cluster_nodes = lambda: [Node(given.lanes, 0)]
    os.environ.update(_QUIET)
    ray.init(
        address="local",
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    with tempfile.TemporaryDirectory() as folder:
        found = simulate(given.lanes, given.trials, given.sampler, not given.no_table, Path(folder))
    epochs = found["trials"] * fake.EPOCHS
    per_epoch = found["driver_s"] / epochs
    print(
        "| lanes | trials | epochs | driver, s | ms a trial | ms an epoch | processor, s "
        "| memory, MiB | object store, MiB | ledger, MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    print(
        f"| {found['lanes']:.0f} | {found['trials']:.0f} | {epochs:.0f} "
        f"| {found['driver_s']:.0f} | {1e3 * found['driver_s'] / found['trials']:.1f} "
        f"| {1e3 * per_epoch:.1f} | {found['cpu_s']:.0f} | {found['memory_mb']:.0f} "
        f"| {found['store_mb']:.1f} | {found['ledger_mb']:.1f} |"
    )
    print(
        f"\n{found['virtual_s']:.0f} s on the lanes, which wait for the driver where an epoch "
        f"takes less than {per_epoch * found['lanes']:.1f} s"
    )


if __name__ == "__main__":
    main()
