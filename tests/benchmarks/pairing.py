"""How strongly runs of one seed are paired, and what would pair them more strongly.

`python tests/benchmarks/pairing.py --seeds 8 shapes`, or a folder of images in the layout `folder`.

Each seed trains the baseline (cross-entropy), the same with its weight changed by 1e-6 (the floor:
no loss differs less), and an arm (Lovasz-softmax beside it) whose term starts at once, after half
or after three quarters of the steps. A late arm continues the baseline's checkpoint: until then it
is the same training. All runs in one process, without Ray. Each is measured three times on the test
list: with its last weights, with their mean over the last three epochs, and with an exponential
moving average.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np
import torch
from scipy.stats import chi2
from torch import Tensor

from trainables.config import TrialConfig, Value, parse
from trainables.data import Dataset, load
from trainables.losses.terms import Learned
from trainables.training.epoch_summary import Diverged
from trainables.training.training import Training

METRICS = ("miou", "boundary_f_1px")
EPOCHS, LAST = 8, 3
BASE = "cross-entropy"
FORKS: Mapping[str, int] = {"Lovasz from 0.5": EPOCHS // 2, "Lovasz from 0.75": 3 * EPOCHS // 4}
"""By late arm, the epochs that it shares with the baseline."""
ARMS: Mapping[str, Mapping[str, Value]] = {
    BASE: {},
    "floor: weight + 1e-6": {"loss/xe": 1 + 1e-6},
    "Lovasz": {"loss/lovasz": 1.0},
    "Lovasz from 0.5": {"loss/lovasz": 1.0, "loss/schedule": "lovasz from 0.5"},
    "Lovasz from 0.75": {"loss/lovasz": 1.0, "loss/schedule": "lovasz from 0.75"},
}
Measured = dict[str, dict[str, float]]
"""By the weights that are measured, the test metrics."""


def run(
    config: TrialConfig, dataset: Dataset, start: bytes | None, states: dict[int, bytes]
) -> Measured:
    """Train one arm on one seed, from ``start`` if there is one; fill ``states`` by epoch."""
    training = Training(config, dataset, Learned(), torch.device("cpu"))
    if start is not None:
        training.load(start)
    last: list[dict[str, Tensor]] = []
    while training.epoch < EPOCHS:
        assert not isinstance(training.train_epoch(), Diverged)
        if training.epoch in FORKS.values():
            states[training.epoch] = training.save()
        if training.epoch > EPOCHS - LAST:
            last.append({k: v.clone() for k, v in training.network.state_dict().items()})
    found = {"EMA": _test(training)}
    training.average = None
    found["last weights"] = _test(training)
    mean = {name: torch.stack([s[name].double() for s in last]).mean(0) for name in last[0]}
    training.network.load_state_dict({k: v.to(last[0][k].dtype) for k, v in mean.items()})
    return found | {f"mean of {LAST} epochs": _test(training)}


def _test(training: Training) -> dict[str, float]:
    metrics = training.evaluate("test").metrics
    return {name: metrics[name] for name in METRICS}


def seed_runs(base: TrialConfig, dataset: Dataset, seed: int) -> dict[str, Measured]:
    """All arms on one seed; the baseline first, whose checkpoints the late arms continue."""
    states: dict[int, bytes] = {}
    found = {}
    for arm, changes in ARMS.items():
        config = base.changed({"seed": seed, **changes})
        start = states[FORKS[arm]] if arm in FORKS else None
        found[arm] = run(config, dataset, start, states if arm == BASE else {})
    return found


def rows(runs: Sequence[Mapping[str, Measured]]) -> list[str]:
    """The table: by metric, weights and arm, effect, variance of the difference, correlation.

    The interval of a variance is the chi-square one, for normal differences.
    """
    lines = [
        "| metric | weights | arm | effect | sd of a run | variance of the difference, 95 % | "
        "correlation |",
        "|---|---|---|---|---|---|---|",
    ]
    n = len(runs)
    for metric in METRICS:
        for weights in runs[0][BASE]:
            base_N = np.array([100 * seed[BASE][weights][metric] for seed in runs])
            for arm in list(ARMS)[1:]:
                arm_N = np.array([100 * seed[arm][weights][metric] for seed in runs])
                d_N = arm_N - base_N
                var, rho = d_N.var(ddof=1), np.corrcoef(arm_N, base_N)[0, 1]
                low, high = ((n - 1) * var / chi2.ppf(q, n - 1) for q in (0.975, 0.025))
                lines.append(
                    f"| {metric} | {weights} | {arm} | {d_N.mean():+.2f} ± "
                    f"{d_N.std(ddof=1) / np.sqrt(n):.2f} | {base_N.std(ddof=1):.2f} | "
                    f"{var:.3f} ({low:.3f} to {high:.3f}) | {rho:.2f} |"
                )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="shapes, or a folder in the layout `folder`")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--set", nargs="*", default=[], help="config fields, PATH=VALUE")
    parser.add_argument("--out", type=Path, help="the metrics of each run as JSON; continued")
    given = parser.parse_args()
    fields = {p: parse(p, v) for p, _, v in (text.partition("=") for text in given.set)}
    data: dict[str, Value] = {"data/dataset": "shapes"}
    if given.data != "shapes":
        data = {"data/dataset": "folder", "data/root": given.data}
    base = TrialConfig().changed({"epochs": EPOCHS, "optim/ema": 0.95, **data, **fields})
    dataset, runs = load(base.data), list[dict[str, Measured]]()
    if given.out is not None and given.out.exists():
        runs = json.loads(given.out.read_text())
    for seed in range(len(runs), given.seeds):
        runs.append(seed_runs(base, dataset, seed))
        print(f"seed {seed}: {process_time():.0f} s", flush=True)
        if given.out is not None:
            given.out.write_text(json.dumps(runs))
    print("\n".join(rows(runs)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
