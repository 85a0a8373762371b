"""Kills processes of a study at random, and requires the results of an undisturbed study.

    python -m tests.chaos.bed --kills 100 --seed 0

Short real studies of five sorts (random, grid, two ranks per lane, TPE, ASHA) run against their own
tracking server. Driver, worker, controller, mailbox, trial actor, raylet and server are killed
at random moments: after some seconds, or just after the ledger's next lines, where checkpoints,
stages and MLflow's runs are written. A study that ends too early is resumed, and in the end every
promise in ``promises.py`` must hold. Prints the seed of each study; ``--only`` repeats one.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from study.ledger.study_folder import StudyFolder
from tests.chaos import promises
from tests.chaos.server import Server
from tests.chaos.victims import ACTORS, MARK, Study, kill

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "batch=8",
    "data/height=32",
    "data/width=48",
    "data/train_images=48",
    "data/val_images=4",
    "data/test_images=2",
    "model/width=4",
    "edge_net/steps=40",
    "edge_net/batch=2",
)
GRID = """\
question: Does SEMEDA help?
cells:
  plain: {}
  semeda: {loss/lambda_2: 0.5}
"""
REGION = ("--space", "region", "--fresh", "--confirm", "0", "--sampler")
SORTS = {
    "random": (*REGION, "random", "--trials", "4", "--lanes", "1"),
    "grid": ("--grid", "{grid}", "--seeds", "3", "--fresh", "--lanes", "2"),
    "ranks": (*REGION, "random", "--trials", "3", "--workers", "2"),
    "tpe": (*REGION, "tpe", "--trials", "4", "--lanes", "1"),
    "asha": (*REGION, "random", "--scheduler", "asha", "--trials", "5", "--lanes", "2"),
}
EQUAL = ("random", "grid", "ranks")
"""Sorts whose results do not depend on the order in which trials end."""
TARGETS = {
    "worker": 4,
    "controller": 3,
    "mailbox": 2,
    "trial": 3,
    "server": 1,
    "raylet": 2,
    "driver": 3,
}
"""What is killed, weighted by how often; several at once in this order, since a later one may take
the earlier ones with it."""
_IN_A_ROW = 3
"""Lanes that may die without an epoch between them: the fifth death in one epoch counts as the
trial's fault, and the fourth death of a trial's actor fails the trial in Tune."""
_LONGEST_S = 600.0


class Bed:
    """A folder with studies, and the tracking server they report to."""

    def __init__(self, folder: Path, kills_per_study: int) -> None:
        self.folder, self.most = folder, kills_per_study
        (folder / "grid.yaml").write_text(GRID)
        self.server = Server(folder)
        self.killed: Counter[str] = Counter()
        self.moments = 0
        self.lanes_killed: list[int] = []
        """Of the running study: epochs in its ledger at each kill of a lane's process."""

    def counted(self) -> str:
        """Formats what was killed so far; several processes may die at one moment."""
        every = ", ".join(f"{count} {target}" for target, count in self.killed.items())
        return f"{sum(self.killed.values())} kills at {self.moments} moments: {every}"

    def count(self, name: str, words: bytes = b"\n") -> int:
        """How often the words occur in the study's ledger; by default, its complete lines."""
        path = StudyFolder(self.folder / "runs" / name).ledger
        return path.read_bytes().count(words) if path.exists() else 0

    @contextmanager
    def running(self, name: str, sort: str) -> Iterator[tuple[subprocess.Popen[bytes], Study]]:
        """Start the study, or resume it where it has a ledger."""
        if self.count(name):
            words = ["--resume", name]
        else:
            options = [word.format(grid=self.folder / "grid.yaml") for word in SORTS[sort]]
            words = [
                *options,
                "--name",
                name,
                "--epochs",
                "5",
                *(part for change in SMALL for part in ("--set", change)),
            ]
        mark = f"{name}-{time.monotonic_ns()}"
        environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
        with (self.folder / f"{name}.log").open("ab") as log:
            driver = subprocess.Popen(
                [
                    sys.executable,
                    "study/run.py",
                    "--storage",
                    str(self.folder / "runs"),
                    "--tracking-uri",
                    self.server.uri,
                    *words,
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**environment, MARK: mark, "PYTHONPATH": str(ROOT)},
            )
            study = Study(driver, mark)
            try:
                yield driver, study
            except BaseException:
                for process in study.processes():
                    kill(process)
                raise

    def study(self, name: str, sort: str, draw: random.Random | None) -> None:
        """Run the study to its end, killing as drawn; without a draw nothing is killed."""
        killed, self.lanes_killed = 0, []
        for _ in range(self.most + 3):
            self.server.ready()  # a study is refused without it
            with self.running(name, sort) as (driver, study):
                deadline = time.monotonic() + _LONGEST_S
                while driver.poll() is None:
                    assert time.monotonic() < deadline, f"{name} does not end"
                    if draw is not None and killed < self.most:
                        if died := self.kill_some(name, study, draw):
                            killed, deadline = killed + died, time.monotonic() + _LONGEST_S
                    time.sleep(0.2)
                    self.server.serve()
                left = study.left_behind()
                assert not left, f"{name} left {left}"
            if driver.returncode == 0:
                return
            if draw is None or not killed:
                break  # it ended by itself, not by a kill
        raise AssertionError(f"{name} did not end, last with {driver.returncode}")

    def kill_some(self, name: str, study: Study, draw: random.Random) -> int:
        """Wait for a drawn moment, kill one to four drawn processes; return how many died."""
        self._await_moment(name, study, draw)
        living = [target for target in TARGETS if self._lives(target, study, draw)]
        weights = [TARGETS[target] for target in living]
        targets = draw.choices(living, weights, k=draw.choice((1, 2, 3, 4))) if living else []
        died = [
            target
            for target in TARGETS
            if target in targets and self._kill(name, target, study, draw)
        ]
        if died:
            self.killed.update(died)
            self.moments += 1
            print(f"  {name}: {', '.join(died)}, {self.count(name)} lines", flush=True)
        return len(died)

    def _lives(self, target: str, study: Study, draw: random.Random) -> bool:
        return self.server.lives() if target == "server" else bool(study.victim(target, draw))

    def _kill(self, name: str, target: str, study: Study, draw: random.Random) -> bool:
        """Kill the target; False where it has gone, or is a lane that must not die now."""
        if target == "server":
            return self.server.kill(away_s=draw.uniform(0, 5))
        if target in ACTORS and not self._lane_may_die(name):
            return False
        victim = study.victim(target, draw)
        return victim is not None and kill(victim)

    def _await_moment(self, name: str, study: Study, draw: random.Random) -> None:
        """Wait some seconds, or for the ledger's next lines and a moment more."""
        if draw.random() < 0.4:
            end, wanted, more_s = time.monotonic() + draw.uniform(0, 12), 10**9, 0.0
        else:
            end, more_s = time.monotonic() + 30, draw.choice((0.0, 0.05, 0.2, 0.5, 2.0))
            wanted = self.count(name) + draw.randint(1, 4)
        while time.monotonic() < end and study.runs():
            if self.count(name) >= wanted:
                time.sleep(more_s)
                return
            time.sleep(0.02)

    def _lane_may_die(self, name: str) -> bool:
        """Whether the study promises to survive one more dead lane."""
        done = self.count(name, b'"event":"epoch"')
        if self.lanes_killed[-_IN_A_ROW:].count(done) == _IN_A_ROW:
            return False
        self.lanes_killed.append(done)
        return True

    def check(self, name: str, sort: str) -> None:
        """Check every promise about a study that was killed repeatedly."""
        runs = self.folder / "runs"
        folder, calm = runs / name, runs / f"calm-{sort}"
        promises.ledger_is_complete(folder, StudyFolder(calm).load() if sort in EQUAL else None)
        promises.nothing_is_locked(runs)
        self.server.ready()
        subprocess.run(
            [
                sys.executable,
                "study/report.py",
                name,
                "--rebuild-mlflow",
                "--storage",
                str(runs),
                "--tracking-uri",
                self.server.uri,
            ],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        promises.tracked(self.server.uri, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--a-study", type=int, default=15, help="kills per study, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the first study")
    parser.add_argument("--sorts", default=",".join(SORTS), help="of study")
    parser.add_argument("--only", action="store_true", help="one study, of this seed")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the cleanup below runs, too
    folder = Path(tempfile.mkdtemp(prefix="edgewise-chaos-"))
    bed = Bed(folder, given.a_study)
    try:
        kill_all(bed, given.sorts.split(","), given.seed, 1 if given.only else given.kills)
    except BaseException:
        print(f"{bed.counted()}; everything is in {folder}")
        for log in sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]:
            print(log.read_text()[-3000:])
        raise
    finally:
        bed.server.kill()
    shutil.rmtree(folder)
    print(bed.counted())
    return 0


def kill_all(bed: Bed, sorts: list[str], seed: int, kills: int) -> None:
    """Run one study after the other until ``kills`` kills were survived."""
    calm: set[str] = set()
    while sum(bed.killed.values()) < kills:
        sort = sorts[seed % len(sorts)]
        if sort in EQUAL and sort not in calm:
            bed.study(f"calm-{sort}", sort, None)
            calm.add(sort)
        print(f"seed {seed}: {sort}", flush=True)
        bed.study(f"{sort}-{seed}", sort, random.Random(seed))
        bed.check(f"{sort}-{seed}", sort)
        print(f"  sound; {bed.counted()}", flush=True)
        seed += 1


if __name__ == "__main__":
    sys.exit(main())
