"""What fused cells, a prototype, would give: trials an hour, against one after the other."""

import torch

from tests.benchmarks.fused_cells.cells import CELLS
from tests.benchmarks.fused_cells.figures import speed
from tests.gpu import scale
from tests.gpu.table import Lines, timed
from trainables.config import Value

CHECK = "fused cells"
_STEPS_OF_A_TRIAL = 1000
_TIMES = 2.0
"""As fast as this, or fused cells are not worth their complexity."""


def lines(device: torch.device) -> Lines:
    toy, size = device.type == "cpu", scale.of(device)
    sizes = ((size.rows, size.columns),) if toy else ((120, 160), (size.rows, size.columns))
    network: dict[str, Value] = {
        "model/network": size.networks[0],
        **({"model/width": 4} if toy else {}),
    }
    for rows, columns in sizes:
        changes: dict[str, Value] = {
            "data/height": rows,
            "data/width": columns,
            **network,
            "optim/precision": "fp32" if toy else "bf16",
        }
        for count in (1, 2) if toy else (1, 2, 4, 8):
            steps, rounds = (1, 1) if toy else (8, 2)
            alone, fused = speed(list(CELLS)[:count], changes, steps, rounds, device, size.batch)
            rate = 3600 * count / (_STEPS_OF_A_TRIAL * fused)
            text = f"{rate:.0f} trials of {_STEPS_OF_A_TRIAL} steps an hour, {alone / fused:.2f} x"
            bound = "-" if count == 1 else f"{_TIMES:g} times as many as one after the other"
            good = count == 1 or alone >= _TIMES * fused
            what = f"{count} of {size.networks[0]} at {rows}x{columns}"
            yield timed(CHECK, what, bound, text, good, device)
