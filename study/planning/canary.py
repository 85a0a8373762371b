"""What a study varies in its losses and no loss reads, found before anything runs.

The losses of drawn trials, or of all cells, are computed once on a made-up prediction, with
untrained stages. What they read is noted (``trainables/config/watched.py``).

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Iterator

import torch

from search_spaces import Space
from study.analysis.health_of_plan import varied
from study.ledger.plan import Plan
from trainables.config import TrialConfig, Value, from_flat
from trainables.config.watched import watched
from trainables.losses.compose import TERMS, loss_terms, needs_boundary_head
from trainables.losses.terms import Prediction, Target
from trainables.losses.trial_terms import weights_of
from trainables.stages.registry import untrained

_DRAWN = 5
"""Trials of a search, spread over its ranges."""
_SIDE = 32
_MOMENTS = (0.0, 0.5, 1.0)
"""Shares of the training: schedules start and end losses."""


def unread(plan: Plan, space: Space, num_classes: int) -> list[str]:
    """The paths in ``loss/`` that the study varies and that no loss read."""
    paths = [path for path in varied(plan, space) if path.startswith("loss/")]
    used: set[str] = set()
    try:
        for config in _trials(plan, space) if paths else ():
            used |= read_by(config, num_classes)
    except Exception:
        # A plug-in's loss may refuse what is made up. The forecast's first steps report errors.
        return []
    return [path for path in paths if path not in used]


def _trials(plan: Plan, space: Space) -> Iterator[TrialConfig]:
    """Configs of a few trials of a search, or of every cell, also where its own search draws."""
    for cell in plan.design.cells:
        drawn: list[dict[str, Value]] = cell.space().spread(_DRAWN) if cell.searched else [{}]
        for params in drawn:
            yield from_flat(plan.resolve({**cell.changes, **params}))
    for params in space.spread(_DRAWN) if not plan.design.cells else ():
        yield from_flat(plan.resolve(params))


def read_by(config: TrialConfig, num_classes: int) -> set[str]:
    """The fields of ``loss/`` that the losses of this config read in a training."""
    learned, edges = untrained(config, num_classes), "edge" in config.task.names
    head = edges or needs_boundary_head(config.loss)
    config, watch = watched(config)
    draws = torch.Generator().manual_seed(0)  # the global one belongs to the trials
    side = max(_SIDE, config.tile_px)
    logits_BKHW = torch.randn((1, num_classes, side, side), generator=draws)
    edge_BHW = torch.randn((1, side, side), generator=draws)
    labels_BHW = torch.zeros((1, side, side), dtype=torch.int64)
    labels_BHW[:, :, side // 2 :] = num_classes - 1
    prediction = Prediction(logits_BKHW, edge_BHW if head else None)
    target = Target(labels_BHW, num_classes, (labels_BHW > 0).byte() if edges else None)
    for progress in _MOMENTS:
        names = [name for name in weights_of(config, progress) if name in TERMS]
        on = config.task.boundary_on
        loss_terms(config.loss, prediction, target, learned, names=names, boundary_on=on)
    return set(watch.used)
