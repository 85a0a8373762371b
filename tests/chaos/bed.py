"""Kills whatever a study needs, at random, and demands the study that it would have been.

    python -m tests.chaos.bed --kills 100 --seed 0

Short real studies of four sorts (random, grid, TPE, ASHA) run against a tracking server of their
own. Driver, worker, controller, mailbox, trial actor, raylet and server are killed at random
moments; whatever ends too early is resumed. Afterwards the ledger must equal the undisturbed one
(random, grid) or be complete and free of repeats (TPE, ASHA), MLflow must hold no running run, and
no process and no held lock may be left. Prints the seed of each study; ``--only SEED`` repeats one.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient

from study import report
from study.ledger import FILE, read
from tests.chaos.victims import MARK, Study, kill
from tests.study.test_ledger import content

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("data/height=32", "data/width=48", "data/train_images=16", "data/val_images=4",
         "data/test_images=2", "model/width=4")  # fmt: skip
GRID = """\
question: Does Lovasz help?
cells:
  plain: {}
  lovasz: {loss/lovasz: 1.0}
"""
SORTS = {
    "random": ("--space", "region", "--sampler", "random", "--trials", "3"),
    "grid": ("--grid", "{grid}", "--seeds", "2", "--fresh"),
    "tpe": ("--space", "region", "--sampler", "tpe", "--trials", "4"),
    "asha": ("--space", "region", "--sampler", "random", "--scheduler", "asha", "--trials", "4"),
}
EQUAL = ("random", "grid")
"""Sorts in which the order of results decides nothing."""
TARGETS = ("driver", "worker", "controller", "mailbox", "trial", "raylet", "server")
_ATTEMPTS = 12
_LONGEST_S = 400.0


class Bed:
    """One folder with studies, and the server they report to."""

    def __init__(self, folder: Path, kills_a_study: int) -> None:
        self.folder, self.most = folder, kills_a_study
        (folder / "grid.yaml").write_text(GRID)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server: subprocess.Popen[bytes] | None = None
        self.killed: Counter[str] = Counter()

    def serve(self) -> None:
        """Start the tracking server unless it runs."""
        if self.server is None or self.server.poll() is not None:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port",
                 str(self.port), "--backend-store-uri", f"sqlite:///{self.folder}/m.db",
                 "--workers", "1"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def end_server(self) -> None:
        if self.server is not None and self.server.poll() is None:
            os.killpg(self.server.pid, 9)
            self.server.wait()

    @contextmanager
    def running(self, name: str, sort: str) -> Iterator[tuple[subprocess.Popen[bytes], Study]]:
        """The study from its beginning, or resumed."""
        places = ["--storage", str(self.folder / "runs"),
                  "--tracking-uri", f"http://127.0.0.1:{self.port}"]  # fmt: skip
        if b"\n" in _bytes(self.folder / "runs" / name / FILE):
            words = ["--resume", name]
        else:
            asked = [word.format(grid=self.folder / "grid.yaml") for word in SORTS[sort]]
            words = [*asked, "--name", name, "--epochs", "3",
                     *(part for change in SMALL for part in ("--set", change))]  # fmt: skip
        mark = f"{name}-{time.monotonic_ns()}"
        environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
        with (self.folder / f"{name}.log").open("ab") as log:
            driver = subprocess.Popen(
                [sys.executable, "study/run.py", *places, *words], cwd=ROOT, stdout=log,
                stderr=log, env={**environment, MARK: mark, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            study = Study(driver.pid, mark)
            try:
                yield driver, study
            except BaseException:
                for process in study.processes():
                    kill(process)
                raise

    def study(self, name: str, sort: str, draw: random.Random | None) -> None:
        """Run to its end, killing as drawn; no draw, no kills."""
        killed = 0
        for _ in range(_ATTEMPTS):
            self.serve()
            with self.running(name, sort) as (driver, study):
                deadline = time.monotonic() + _LONGEST_S
                while driver.poll() is None:
                    assert time.monotonic() < deadline, f"{name} does not end"
                    if draw is not None and killed < self.most:
                        killed += self.kill_one(study, draw, driver)
                    time.sleep(0.2)
                left = study.left_behind()
                assert not left, f"{name} left {left}"
            if driver.returncode == 0:
                return
        raise AssertionError(f"{name} did not end in {_ATTEMPTS} attempts")

    def kill_one(self, study: Study, draw: random.Random, driver: subprocess.Popen[bytes]) -> int:
        """Wait a while, kill something; how many died."""
        end = time.monotonic() + draw.uniform(0, 25)
        while time.monotonic() < end and driver.poll() is None:
            time.sleep(0.1)
        target = draw.choice(TARGETS)
        if target == "server":
            self.end_server()
            time.sleep(draw.uniform(0, 5))
            self.serve()
        else:
            victim = study.victim(target)
            if victim is None or not kill(victim):
                return 0
        self.killed[target] += 1
        return 1

    def check(self, name: str, sort: str, undisturbed: str) -> None:
        """Everything that is promised of a study that was killed again and again."""
        folder = self.folder / "runs" / name
        record, other = report.load(folder), report.load(self.folder / "runs" / undisturbed)
        assert record.ended
        events = read(folder / FILE)[0]
        for event in ("started", "finished"):
            numbers = [one["trial"] for one in events if one["event"] == event]
            assert sorted(numbers) == list(range(len(other.trials))), f"{name}: {event} {numbers}"
        if sort in EQUAL:
            assert content(record) == content(other), f"{name} differs from {undisturbed}"
            assert record.tested == other.tested
        with FileLock(folder / "lock").acquire(timeout=0):
            pass  # nobody holds it
        self.serve()
        client = MlflowClient(f"http://127.0.0.1:{self.port}")
        self._rebuild(name)
        experiment = client.get_experiment_by_name("edgewise")
        runs = client.search_runs([experiment.experiment_id], f"tags.study = '{name}'")
        trials = [run.data.tags["trial"] for run in runs if "trial" in run.data.tags]
        assert sorted(trials, key=int) == [str(number) for number in sorted(record.trials)]
        assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}

    def _rebuild(self, name: str) -> None:
        """What a server that was killed at the end lacks, as the study's last line says."""
        subprocess.run(
            [sys.executable, "study/report.py", name, "--rebuild-mlflow", "--storage",
             str(self.folder / "runs"), "--tracking-uri", f"http://127.0.0.1:{self.port}"],
            cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--a-study", type=int, default=6, help="kills a study, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the first study")
    parser.add_argument("--sorts", default=",".join(SORTS), help="of study")
    parser.add_argument("--only", action="store_true", help="one study, of this seed")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave nothing behind then, either
    sorts = given.sorts.split(",")
    with tempfile.TemporaryDirectory(prefix="edgewise-chaos-") as folder:
        bed = Bed(Path(folder), given.a_study)
        try:
            for sort in sorts:
                bed.study(f"calm-{sort}", sort, None)
                print(f"undisturbed {sort} ended", flush=True)
            seed = given.seed
            while sum(bed.killed.values()) < given.kills and not (given.only and seed > given.seed):
                sort = sorts[seed % len(sorts)]
                name = f"{sort}-{seed}"
                print(f"seed {seed}: {sort}", flush=True)
                bed.study(name, sort, random.Random(seed))
                bed.check(name, sort, f"calm-{sort}")
                print(f"  sound after {dict(bed.killed)}", flush=True)
                seed += 1
        except BaseException:
            for log in sorted(Path(folder).glob("*.log"))[-1:]:
                print(log.read_text()[-3000:])
            raise
        finally:
            bed.end_server()
    print(f"{sum(bed.killed.values())} kills: {dict(bed.killed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
