"""A training on the device: the same twice, resumed, and after an out-of-memory error."""

import time

import torch

from tests.gpu import scale
from tests.gpu.table import Line, Lines, judged, not_measured, timed
from trainables.config import TrialConfig, Value
from trainables.config.optim import REPEATED_WITHIN
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

CHECK = "one training"


def lines(device: torch.device) -> Lines:
    size = scale.of(device)
    config = scale.trial(size, size.networks[0], **{"loss/lovasz": 1.0, "loss/w_a": 1.0})
    first = _trained(config, device)
    yield _compared("the same seed twice", first, _trained(config, device))
    yield _compared("saved after an epoch and resumed", first, _trained(config, device, cut=1))
    yield from _deterministic(config, device)
    yield _after_out_of_memory(config, device, first)


def _deterministic(config: TrialConfig, device: torch.device) -> Lines:
    """Equal to the last bit, on networks and losses with every kind of layer that needs care."""
    size, fixed = scale.of(device), config.changed({"optim/deterministic": True})
    first = _trained(fixed, device)
    what = "optim/deterministic"
    yield _compared(f"{what}, the same seed twice", first, _trained(fixed, device), within=0.0)
    resumed = _trained(fixed, device, cut=1)
    yield _compared(f"{what}, saved and resumed", first, resumed, within=0.0)
    for name in size.pooled:
        changes: dict[str, Value] = {"model/network": name, "loss/ar": 1.0}
        pooled = fixed.changed({**changes, "loss/ar_sampling": "average"})
        one, other = (_trained(pooled, device) for _ in range(2))
        yield _compared(f"{what}, {name} twice", one, other, within=0.0)
    seconds = [_seconds(each, device) for each in (config, fixed)]
    text = f"{seconds[1] / seconds[0]:.2f} times an epoch of {seconds[0]:.2f} s"
    yield timed(CHECK, f"{what}, its cost", "-", text, True, device)


def _seconds(config: TrialConfig, device: torch.device) -> float:
    """Of a second epoch: the first chooses kernels."""
    training = _begun(config, device)
    training.train_epoch()
    start = time.perf_counter()
    training.train_epoch()
    return time.perf_counter() - start


def _begun(config: TrialConfig, device: torch.device) -> Training:
    return Training(config, load(config.data), Learned(), device)


def _trained(config: TrialConfig, device: torch.device, cut: int = 0) -> dict[str, float]:
    """The figures after all epochs, interrupted after ``cut`` of them."""
    training = _begun(config, device)
    figures: dict[str, float] = {}
    for epoch in range(1, config.epochs + 1):
        trained = training.train_epoch()
        assert isinstance(trained, dict), "the training diverged"
        figures = {**trained, **training.evaluate().metrics}
        if epoch == cut:
            saved, training = training.save(), _begun(config, device)
            training.load(saved)
    return figures


def _compared(
    what: str,
    one: dict[str, float],
    other: dict[str, float],
    within: float = REPEATED_WITHIN,
) -> Line:
    apart = max(abs(one[name] - other[name]) / max(REPEATED_WITHIN, abs(one[name])) for name in one)
    text = "equal to the last bit" if one == other else f"{apart:.1e} at most"
    bound = f"relative difference {within:g}" if within else "equal to the last bit"
    return judged(CHECK, what, bound, text, apart <= within)


def _after_out_of_memory(
    config: TrialConfig, device: torch.device, first: dict[str, float]
) -> Line:
    what = "trained after an out-of-memory error"
    if device.type == "cpu":
        return not_measured(CHECK, what, "needs a GPU")
    free, _ = torch.cuda.mem_get_info(device)
    taken = torch.empty(max(0, free - 256 * 2**20), dtype=torch.uint8, device=device)
    try:
        _begun(config.changed({"batch": config.data.train_images}), device).train_epoch()
        return judged(CHECK, what, "an error first", "no error came", False)
    except torch.OutOfMemoryError:
        del taken
    torch.cuda.empty_cache()
    return _compared(what, first, _trained(config, device))
