"""The share of time in which lanes train or evaluate: 40 trials of 10 s on 2 lanes, by the ledger.

    python tests/benchmarks/busy_lanes.py [--trials 40] [--lanes 2] [--workers 1]

The complete command, as a user types it. Trials are real but tiny, and their loss (from a plug-in)
waits as long as a GPU would compute. So lanes do not compete for the machine's cores, and the rest
is the time between steps, epochs and trials. Fails below 95 %.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from study.ledger.events import EpochEnded, Event, Finished, event_from_json
from study.ledger.ledger import read
from study.ledger.study_folder import StudyFolder
from tests.conftest import ROOT

EPOCHS, STEP_S = 5, 0.5
LIMIT = 0.95
TINY = (
    "data/height=32",
    "data/width=48",
    "data/train_images=8",
    "data/val_images=4",
    "data/test_images=4",
    "model/width=4",
    "batch=2",
)
WAITS = f"""
import time
import torch.nn.functional as F
from optuna.distributions import FloatDistribution
from search_spaces import Dimension, Space
from trainables.losses.term import LossTerm

def waits(prediction, target) -> LossTerm:
    time.sleep({STEP_S})
    loss = F.cross_entropy(prediction.logits_BKHW, target.labels_BHW, ignore_index=255,
                           reduction="sum")
    return LossTerm(loss, target.valid_BHW.sum())

LOSSES = {{"waits": waits}}
SPACES = {{"waits": Space(
    name="waits", question="How long do lanes wait?",
    base={{"loss/xe": 0.0, "loss/waits": 1.0, "epochs": {EPOCHS}}},
    dimensions=(Dimension(path="optim/lr", distribution=FloatDistribution(1e-4, 1e-2),
                          why="anything"),),
)}}
"""


def events_of(trials: int, lanes: int, workers: int, folder: Path) -> list[Event]:
    """Run the study to its end; the events of its ledger."""
    parts = folder / "waits.py"
    parts.write_text(WAITS)
    command = [
        sys.executable,
        "study/run.py",
        "--with",
        str(parts),
        "--space",
        "waits",
        "--name",
        "busy",
        "--confirm",
        "0",
        "--sampler",
        "random",
        "--trials",
        str(trials),
        "--lanes",
        str(lanes),
        "--workers",
        str(workers),
        "--storage",
        str(folder),
        "--tracking-uri",
        f"sqlite:///{folder}/m.db",
        *(word for change in TINY for word in ("--set", change)),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    return [event_from_json(line) for line in read(StudyFolder(folder / "busy").ledger)[0]]


def busy(events: list[Event], lanes: int) -> tuple[float, str]:
    """The busy share from the first lane's first step to the last trial's end, and its summary."""
    epochs = [event for event in events if isinstance(event, EpochEnded)]
    begins: dict[str, float] = {}
    for event in epochs:
        begins.setdefault(event.lane, event.time - event.seconds)
    begin, end = min(begins.values()), max(e.time for e in events if isinstance(e, Finished))
    works, last = sum(event.seconds for event in epochs), max(begins.values())
    up = sum(end - first for first in begins.values())
    share = works / (lanes * (end - begin))
    return share, (
        f"busy {100 * share:.1f} % of {end - begin:.0f} s on {lanes} "
        f"lanes; {100 * works / up:.1f} % of each lane's time (the last started "
        f"{last - begin:.1f} s after the first); a trial works {EPOCHS * works / len(epochs):.1f} s"
    )


def between(events: list[Event]) -> list[str]:
    """Lines on the time between two epochs of a lane, within a trial and between trials."""
    last: dict[str, EpochEnded] = {}
    gaps: dict[str, list[float]] = {"epoch": [], "trial": []}
    for event in events:
        if not isinstance(event, EpochEnded):
            continue
        before = last.get(event.lane)
        if before is not None:
            kind = "epoch" if before.trial == event.trial else "trial"
            gaps[kind].append(event.time - before.time - event.seconds)
        last[event.lane] = event
    return [
        f"from one {kind} to the next: median {1e3 * statistics.median(found):.0f} ms, longest "
        f"{1e3 * max(found):.0f} ms"
        for kind, found in gaps.items()
        if found
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        events = events_of(given.trials, given.lanes, given.workers, Path(folder))
    share, summary = busy(events, given.lanes)
    print(f"{given.trials} trials: {summary}")
    print("\n".join(between(events)))
    return 0 if share >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
