"""The checks of `make gpu`, the most valuable first, with the seconds that each may take."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

from tests.gpu import (
    camvid,
    data_path,
    fused,
    lanes,
    loss_costs,
    losses_agree,
    metrics_agree,
    norm_over_ranks,
    side_by_side,
    steps,
    study_on_it,
    trial_state,
)
from tests.gpu.table import Lines


class Check(NamedTuple):
    lines: Callable[[torch.device], Lines]
    seconds: int
    """After which it is ended; the lines that it has given are kept."""


CHECKS: Mapping[str, Check] = {
    losses_agree.CHECK: Check(losses_agree.lines, 60),
    metrics_agree.CHECK: Check(metrics_agree.lines, 40),
    trial_state.CHECK: Check(trial_state.lines, 80),
    norm_over_ranks.CHECK: Check(norm_over_ranks.lines, 40),
    steps.CHECK: Check(steps.lines, 90),
    loss_costs.CHECK: Check(loss_costs.lines, 80),
    data_path.CHECK: Check(data_path.lines, 90),
    side_by_side.CHECK: Check(side_by_side.lines, 90),
    lanes.CHECK: Check(lanes.lines, 60),
    camvid.CHECK: Check(camvid.lines, 90),
    steps.COMPILING: Check(steps.compiled_lines, 120),
    study_on_it.CHECK: Check(study_on_it.lines, 150),
    fused.CHECK: Check(fused.lines, 90),
}
