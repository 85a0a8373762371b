"""From which epoch on two trainings can differ: until then, one of them need not run.

Training is deterministic and resumes exactly, so a trial whose losses differ from another's only
from a later epoch on (``w_a from 0.8``) can begin from the other's checkpoint. Whatever is not
proven here to have no effect before that epoch counts as a difference from the first step on.
"""

from collections.abc import Mapping

from trainables.config import LossConfig, TrialConfig, Value, flatten
from trainables.config.later_fields import of_refinement
from trainables.config.plugin_fields import PLUGIN
from trainables.config.rival_losses import READ_BY as READ_BY_RIVALS
from trainables.config.rival_losses import RIVALS
from trainables.config.schedule import Constant, StartAt
from trainables.losses.compose import (
    TERMS,
    ever_active,
    needs_boundary_head,
    schedules_of,
)
from trainables.losses.trial_terms import measured_of, names_of

READ_BY: Mapping[str, tuple[str, ...]] = {
    "theta": ("active_boundary",),
    "detach": ("active_boundary",),
    "abl_smoothing": ("active_boundary",),
    "abl_ratio": ("active_boundary",),
    "lovasz_classes": ("lovasz",),
    "lovasz_per_image": ("lovasz",),
    "region_classes": (
        *("generalised_dice", "boundary_loss", "hausdorff", "dice_loss", "tversky_loss"),
        *("jaccard_metric_loss", "boundary_dou_loss", "soft_cldice", "l1_ace"),
    ),
    "ar_kernel": ("affinity_regression",),
    "ar_sampling": ("affinity_regression",),
    **READ_BY_RIVALS,
}
"""Fields of the loss that only these terms read; a test proves it."""
_COURSES = {
    *("xe", "beta", "gamma", "edge_attention", "lovasz", "w_a", "fkl", "gdl", "bl", "hausdorff"),
    *("ar", "schedule", "alpha", *RIVALS),
}
"""Fields that decide nothing but the weights of terms at each step."""
_ALLOWED = {f"loss/{name}" for name in (*READ_BY, *_COURSES)}


def same_training(a: TrialConfig, b: TrialConfig) -> bool:
    """Whether both trainings are the same from the first to the last step, and every validation."""
    return training_of(a) == training_of(b)


def training_of(config: TrialConfig) -> dict[str, Value]:
    """All that a training and its validation may read, by path."""
    flat = flatten(config)
    return {path: value for path, value in flat.items() if not of_refinement(path)}


def first_difference(a: TrialConfig, b: TrialConfig) -> int:
    """The number of first epochs in which both trainings are the same, step by step.

    After so many epochs, both have the same network and optimiser, bit by bit, on the same
    machines. 0: they may differ from the first step on.
    """
    one, other = training_of(a), training_of(b)
    if any(one[path] != other[path] for path in one.keys() - _ALLOWED):
        return 0
    # The best epoch may be a shared one, whose network only the other trial has. Epochs on a
    # further list have other numbers of steps. A plug-in's loss may read any field.
    best = any(c.eval.checkpoint == "best" or c.eval.both_checkpoints for c in (a, b))
    if best or a.data.extra_epochs or PLUGIN.weights:
        return 0
    if needs_boundary_head(a.loss) != needs_boundary_head(b.loss):
        return 0  # another network, with other initial weights
    return min(_equal_epochs(name, a, b) for name in TERMS)


def _equal_epochs(name: str, a: TrialConfig, b: TrialConfig) -> int:
    """The number of first epochs in which a term has the same part in both."""
    if _same_reading(name, a.loss, b.loss) and _course(name, a.loss) == _course(name, b.loss):
        return a.epochs
    return min(_silent_epochs(name, a), _silent_epochs(name, b))


def _same_reading(name: str, a: LossConfig, b: LossConfig) -> bool:
    """Whether a term has the same value in both, given the same predictions."""
    return all(
        getattr(a, path) == getattr(b, path) for path, terms in READ_BY.items() if name in terms
    )


def _course(name: str, loss: LossConfig) -> tuple[float, object]:
    """What decides a term's weight at each step."""
    return TERMS[name].weight(loss), schedules_of(loss).get(TERMS[name].rule, Constant())


def _silent_epochs(name: str, config: TrialConfig) -> int:
    """The number of first epochs in which a term has no weight at any step."""
    if name not in ever_active(config.loss):
        return config.epochs
    match _course(name, config.loss):
        case _, StartAt(fraction):
            # A step of the n-th epoch has less progress than n / epochs.
            ended = range(1, config.epochs + 1)
            return sum(number / config.epochs <= fraction for number in ended)
    return 0


def shared_metrics(
    metrics: Mapping[str, float | None], a: TrialConfig, b: TrialConfig
) -> dict[str, float | None]:
    """The metrics of an epoch that both trainings share, as the second reports them.

    A term that starts later has the value 0 in training. On validation it is left out, unless the
    first trial measures it as the second would: its network is no longer there.

    Args:
        metrics: of the first trial, after an epoch up to ``first_difference``.
    """
    measured = measured_of(b)
    kept = {name for name in measured if name in TERMS and _same_reading(name, a.loss, b.loss)}
    trained = [name for name in names_of(b) if name in TERMS]
    others = {f"train/{name}" for name in TERMS.keys() - set(trained)}
    others |= {f"val/{name}" for name in TERMS.keys() - kept}
    later: dict[str, float | None] = {f"train/{name}": 0.0 for name in trained}
    return later | {name: value for name, value in metrics.items() if name not in others}
