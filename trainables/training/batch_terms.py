"""The losses of one batch, in training also where the network's output is not finite.

Shape letters: B images, K classes, H rows, W columns, M sets of maps.
"""

from collections.abc import Collection

import torch
from torch import Tensor

from trainables.config import TrialConfig
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.compose import TERMS, loss_terms
from trainables.losses.task_terms import Maps, berhu_errors, task_term
from trainables.losses.term import LossTerm
from trainables.losses.trial_terms import CROSS_ENTROPY, initial_term, own_term
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.ranks import max_over_ranks


def batch_terms(
    config: TrialConfig,
    names: Collection[str],
    output: SegmenterOutput,
    target: Target,
    targets: Maps,
    learned: Learned,
) -> dict[str, LossTerm]:
    """The losses in training; all of them NaN if the network's output is not finite.

    On a CPU losses raise an error for such logits. That would leave the other ranks waiting in
    a collective, so this rank takes part with NaN, and the epoch ends as diverged on all.

    Args: as ``terms_of``.
    """
    errors_M = berhu_errors(config.task, [output.tasks, *output.initial], targets)
    if errors_M is not None:
        errors_M = max_over_ranks(errors_M)
    maps = maps_of(output)
    if output.logits_BKHW.device.type == "cpu" and not are_finite(maps):
        return {name: _lost(maps) for name in names}
    return terms_of(config, names, output, target, targets, learned, errors_M)


def terms_of(
    config: TrialConfig,
    names: Collection[str],
    output: SegmenterOutput,
    target: Target,
    targets: Maps,
    learned: Learned,
    errors_M: Tensor | None = None,
) -> dict[str, LossTerm]:
    """The losses of these images, by name.

    Args:
        config: of the trial.
        names: of losses, as ``losses/trial_terms.py`` has them.
        output: the network's.
        target: the labels.
        targets: the maps beside them.
        learned: the stages' networks.
        errors_M: ``berhu_errors`` over all ranks; None: of these images.
    """
    terms = loss_terms(
        config.loss,
        Prediction(output.logits_BKHW, _boundary_of(output)),
        target,
        learned,
        names=[name for name in names if name in TERMS],
        boundary_on=config.task.boundary_on,
    )
    for place, maps in enumerate((output.tasks, *output.initial)):
        largest = None if errors_M is None else errors_M[place]
        for task, map_BCHW in maps.items():
            name = initial_term(task) if place else own_term(task)
            if name not in names:
                continue
            if task == "semseg":
                classes = Prediction(map_BCHW, None)
                term = TERMS[CROSS_ENTROPY].compute(config.loss, classes, target, learned)
            else:
                term = task_term(config.task, task, map_BCHW, targets[task], largest)
            terms[name] = _sum_of(terms[name], term) if name in terms else term
    return terms


def _sum_of(one: LossTerm, other: LossTerm) -> LossTerm:
    """The sum of two losses of the same pixels, such as of two scales."""
    return LossTerm(one.total + other.total, one.count)


def _boundary_of(output: SegmenterOutput) -> Tensor | None:
    """(B,H,W) logits of the edge task, where there is one, else of the boundary head."""
    return output.tasks["edge"][:, 0] if "edge" in output.tasks else output.boundary_logits_BHW


def maps_of(output: SegmenterOutput) -> list[Tensor]:
    """Every map that a loss can see."""
    boundary = () if output.boundary_logits_BHW is None else (output.boundary_logits_BHW,)
    of_tasks = [map_ for maps in (output.tasks, *output.initial) for map_ in maps.values()]
    return [output.logits_BKHW, *boundary, *of_tasks]


def are_finite(maps: list[Tensor]) -> bool:
    """Whether no map holds NaN or infinity. Waits for the device."""
    return all(bool(map_.isfinite().all()) for map_ in maps)


def idle(output: SegmenterOutput) -> Tensor:
    """Scalar 0 with a gradient to every map of a task: a head that no loss has now, or that none
    ever has, takes part in every backward, as the ranks' gradients are joined."""
    of_tasks = [map_ for maps in (output.tasks, *output.initial) for map_ in maps.values()]
    return torch.stack([0 * map_.sum() for map_ in (output.logits_BKHW, *of_tasks)]).sum()


def _lost(maps: list[Tensor]) -> LossTerm:
    """A term that is NaN and still takes part in every gradient."""
    lost = torch.stack([map_.sum() for map_ in maps]).sum() * float("nan")
    return LossTerm(lost, lost.new_ones(()))
