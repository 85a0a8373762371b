"""What the driver costs per trial, and a study's trials per hour beside those of Ray's guide.

    python tests/benchmarks/study_throughput.py driver [--trials 1000] [--lanes 8] [--profile]
    python tests/benchmarks/study_throughput.py guide [--trials 16] [--data CamVid]

``driver``: simulated trials of ten epochs on the real path: plan, TPE, Tune, callbacks, ledger,
live table, MLflow. Processor time of the driver's process, all its threads, per hundred trials.

``guide``: one random search, run by the pattern of Ray's guide (a Tune function that calls
``TorchTrainer.fit()``, which decodes the data and trains) and by Edgewise, on one cluster, with the
same draws, epochs, workers and trials at once. Prints trials per hour, from the call to the last
result.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from ray import tune
from rich.console import Console

from cluster.session import ray_session
from study.ledger.events import Event, Finished, Planned
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from tests.study import fake
from trainables.lane.mailbox import LaneSettings
from trainables.lane.trial_spec import TrialSpec
from trainables.lane.tune_result import EpochReport, to_tune

EPOCHS = 10


class Simulated(tune.Trainable):
    """A trial whose epochs take no time; it stands in for ``trainables.lane.trial.Trial``."""

    def setup(self, config: dict[str, object], settings: LaneSettings | None = None) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, object]) -> bool:
        self.epoch, self.flat = 0, TrialSpec.from_tune(new_config).config
        return True

    def step(self) -> dict[str, object]:
        self.epoch += 1
        names = ("miou", "pixel_accuracy", "boundary_f_1px", "boundary_f_3px", "boundary_iou")
        figures = {name: self.epoch / EPOCHS * float(self.flat["loss/ar"]) for name in names}
        report = EpochReport(
            epoch=self.epoch,
            metrics={**figures, "train/loss": 1.0},
            lane="lane-0",
            train_s=0.0,
            evaluate_s=0.0,
            system={},
            done=self.epoch >= EPOCHS,
        )
        return to_tune(report)


class Meter:
    """A listener of the ledger: processor and wall time at every hundredth finished trial."""

    def __init__(self) -> None:
        self.finished, self.marks = 0, [(0, time.process_time(), time.monotonic())]

    def __call__(self, event: Event) -> None:
        self.finished += isinstance(event, Finished)
        if isinstance(event, Finished) and self.finished % 100 == 0:
            self.marks.append((self.finished, time.process_time(), time.monotonic()))

    def rows(self) -> list[str]:
        pairs = zip(self.marks, self.marks[1:], strict=False)
        return [
            f"| {a[0]} to {b[0]} | {10 * (b[1] - a[1]):.1f} | {10 * (b[2] - a[2]):.1f} |"
            for a, b in pairs
        ]


def plan_of(storage: Path, space: str, **requested: Any) -> Plan:
    """A plan as the command line makes it of these options."""
    from cluster.session import local_node
    from study.commands import options
    from study.planning.make_plan import plan_from_request

    words = [
        "--space",
        space,
        "--storage",
        str(storage),
        "--fresh",
        "--confirm",
        "0",
        "--tracking-uri",
        f"sqlite:///{storage}/mlflow.db",
    ]
    for name, value in requested.items():
        if name == "changes":
            words += [word for change in value for word in ("--set", change)]
        else:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return plan_from_request(options.parse_request(words), [local_node()])


def driver(trials: int, lanes: int, profile: bool) -> None:
    from dataclasses import replace

    from search_spaces import SPACES
    from study.execution import tuner
    from study.execution.stopping import Faults, Policy, Stop
    from study.ledger.ledger import Ledger
    from study.ledger.provenance import provenance
    from study.reporting.terminal.progress import LiveProgress
    from study.tracking.sink import MlflowSink

    tuner.Trial = Simulated  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder, ray_session(256 * 2**20):
        plan = plan_of(Path(folder), "affinity", trials=trials, epochs=EPOCHS, name="driver")
        plan = replace(plan, lanes=lanes)
        study = StudyFolder.of(plan)
        ledger, meter = Ledger(study.ledger), Meter()
        ledger.append(Planned(plan=plan, data=fake.DATA, provenance=provenance()))
        sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), lambda trial: [])
        console = Console(file=StringIO(), force_terminal=True, width=140)
        profiler = cProfile.Profile()
        with LiveProgress(console, ledger.record.copy(), study.stages) as progress:
            ledger.listeners += [sink, progress, meter]
            if profile:
                profiler.enable()
            begin = time.process_time(), time.monotonic()
            tuner.run(plan, SPACES["affinity"], ledger, _settings(), [], Faults(Policy(), Stop()))
            profiler.disable()
        running = time.process_time() - begin[0], time.monotonic() - begin[1]
        complaint = sink.close([], patience_s=600)
        spent = time.process_time() - begin[0]
        done = len(ledger.record.in_state("complete"))
        late = 1000 * (spent - running[0]) / done
        print(
            f"{done} trials of {EPOCHS} epochs, {lanes} at once: {1000 * spent / done:.1f} ms of "
            f"the driver a trial, {late:.1f} of them MLflow's after the last trial; "
            f"{running[1]:.0f} s of wall {complaint}\n"
        )
        print("| trials | driver, ms a trial | wall, ms a trial |\n|---|---|---|")
        print("\n".join(meter.rows()))
        if profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


def _settings() -> LaneSettings:
    return LaneSettings(workers=1, cpus_per_worker=1, gpus_per_worker=0, storage="", stages="")


SMALL = (
    "data/height=32",
    "data/width=48",
    "data/train_images=32",
    "data/val_images=16",
    "data/test_images=4",
    "model/width=4",
)
CAMVID = ("data/height=120", "data/width=160")


def guide(trials: int, camvid: str) -> None:
    """Run both patterns in turn; Edgewise first, so that it has the cold file cache."""
    options: dict[str, Any] = {"trials": trials, "sampler": "random", "name": "ours"}
    if camvid:
        options |= {"dataset": "camvid", "data": camvid, "epochs": 4, "changes": CAMVID}
    else:
        options |= {"epochs": 3, "changes": SMALL}
    with tempfile.TemporaryDirectory() as folder, ray_session(2**30):
        plan = plan_of(Path(folder), "affinity", **options)
        ours, drawn = _ours(plan)
        theirs = _guide(plan, drawn, Path(folder))
    print(
        f"{plan.config.data.dataset}, {trials} trials of {plan.epochs} epochs, {plan.lanes} "
        "at once\n\n| pattern | s | trials an hour |\n|---|---|---|"
    )
    for name, seconds in {"Edgewise": ours, "Ray's guide": theirs}.items():
        print(f"| {name} | {seconds:.1f} | {3600 * trials / seconds:.0f} |")
    print(f"\n{theirs / ours:.1f} times the trials an hour")


def _ours(plan: Plan) -> tuple[float, list[dict[str, Any]]]:
    """Run the complete command: data, lanes, trials, winner, report; and the configs it drew."""
    from search_spaces import SPACES
    from study.commands.run_study import StudyRun
    from study.execution.stopping import Policy
    from study.ledger.ledger import Ledger
    from trainables.data import load

    begin = time.monotonic()
    ledger, console = Ledger(StudyFolder.of(plan).ledger), Console(file=StringIO())
    dataset = load(plan.config.data)
    StudyRun(plan, SPACES[plan.space], dataset, ledger, console).run(Policy())
    return time.monotonic() - begin, [t.config for t in ledger.record.in_state("complete")]


def _guide(plan: Plan, drawn: list[dict[str, Any]], storage: Path) -> float:
    """The same configs, one Ray Train job each, as
    https://docs.ray.io/en/latest/train/user-guides/hyperparameter-optimization.html has it."""
    import ray.train
    from ray.train.torch import TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    def loop(config: dict[str, Any]) -> None:
        import torch

        from trainables.config import from_flat
        from trainables.data import load
        from trainables.losses.compose import Learned
        from trainables.training.training import Training

        torch.set_num_threads(1)
        chosen = from_flat(config)
        training = Training(chosen, load(chosen.data), Learned(), torch.device("cpu"))
        for _ in range(chosen.epochs):
            trained = training.train_epoch()
            assert isinstance(trained, dict)
            ray.train.report({**trained, **training.evaluate().metrics})

    def trial(config: dict[str, Any]) -> None:
        TorchTrainer(
            loop,
            train_loop_config=drawn[config["number"]],
            scaling_config=ray.train.ScalingConfig(
                num_workers=1, resources_per_worker={"CPU": 0.9}
            ),
            run_config=ray.train.RunConfig(
                name=f"train-{tune.get_context().get_trial_id()}",
                storage_path=str(storage),
                callbacks=[TuneReportCallback()],
            ),
        ).fit()

    begin = time.monotonic()
    tune.Tuner(
        tune.with_resources(trial, {"CPU": 0.001}),
        param_space={"number": tune.grid_search(list(range(len(drawn))))},
        tune_config=tune.TuneConfig(max_concurrent_trials=plan.lanes),
        run_config=tune.RunConfig(name="guide", storage_path=str(storage), verbose=0),
    ).fit()
    return time.monotonic() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("driver", "guide"))
    parser.add_argument("--trials", type=int)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--data", default="", help="CamVid's folder; default: built-in data")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    if given.part == "driver":
        driver(given.trials or 1000, given.lanes, given.profile)
    else:
        guide(given.trials or 16, given.data)


if __name__ == "__main__":
    main()
