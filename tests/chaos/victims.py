"""The processes of one study, found by a mark in their environment, and killed by name."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
MARK = "EDGEWISE_CHAOS"
ACTORS = {
    "worker": "ray::RayTrainWorker",
    "controller": "ray::TrainController",
    "mailbox": "ray::Mailbox",
    "trial": "ray::ResourceTrainable",
}
"""How the titles of Ray's processes start, by kind."""


@dataclass(frozen=True)
class Study:
    """A running study: its driver, and the mark that every process it starts inherits."""

    driver: subprocess.Popen[Any]
    mark: str

    def runs(self) -> bool:
        """Whether its driver still runs."""
        return self.driver.poll() is None

    def processes(self) -> list[psutil.Process]:
        """Every process that carries the mark."""
        return [process for process in psutil.process_iter() if mark_of(process) == self.mark]

    def victim(self, kind: str, draw: random.Random) -> psutil.Process | None:
        """One of the live processes of this kind."""
        if kind == "driver":
            return psutil.Process(self.driver.pid) if self.runs() else None
        found = [process for process in self.processes() if _is(process, kind)]
        return draw.choice(found) if found else None

    def left_behind(self, patience_s: float = 120.0) -> list[str]:
        """Titles of processes that still live ``patience_s`` after the driver ended."""
        deadline = time.monotonic() + patience_s
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return [_title(process) for process in left]


def run_until_killed(
    arguments: Sequence[str], ledger: Path, *kills: tuple[str, str, int], seed: int = 0
) -> None:
    """Start a study and kill its processes in turn; the driver must come last.

    ``("worker", "epoch", 2)`` kills a worker as soon as the ledger holds two epochs.
    """
    mark, draw = f"{ledger}-{time.monotonic_ns()}", random.Random(seed)
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env={**environment, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as driver:
        study, deadline = Study(driver, mark), time.monotonic() + 250
        for kind, event, count in kills:
            while not ledger.exists() or ledger.read_text().count(f'"event":"{event}"') < count:
                assert study.runs(), f"the study ended before its {kind} could be killed"
                assert time.monotonic() < deadline, f"no {count} {event} to kill the {kind} after"
                time.sleep(0.05)
            victim = study.victim(kind, draw)
            assert victim is not None, f"no {kind} to kill"
            assert kill(victim)


def mark_of(process: psutil.Process) -> str:
    """The mark in a process's environment; "" where it has none or may not be read."""
    try:
        for item in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
            name, _, value = item.partition(b"=")
            if name == MARK.encode() and process.status() != psutil.STATUS_ZOMBIE:
                return value.decode()
    except (OSError, psutil.Error):
        pass
    return ""


def kill(process: psutil.Process) -> bool:
    """Send SIGKILL; False where the process had gone."""
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is(process: psutil.Process, kind: str) -> bool:
    if kind in ACTORS:
        return _title(process).startswith(ACTORS[kind])
    return _name(process) == kind


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
