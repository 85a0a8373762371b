"""A training on the device: the same twice, resumed, and after an out-of-memory error."""

import torch

from tests.gpu import scale
from tests.gpu.table import Line, Lines, judged, not_measured
from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training

CHECK = "one training"
_SAME = 1e-3
"""Without deterministic kernels: largest relative difference of a loss or metric."""


def lines(device: torch.device) -> Lines:
    size = scale.of(device)
    config = scale.trial(size, size.networks[0], **{"loss/lovasz": 1.0, "loss/w_a": 1.0})
    first = _trained(config, device)
    yield _compared("the same seed twice", first, _trained(config, device))
    yield _compared("saved after an epoch and resumed", first, _trained(config, device, cut=1))
    yield _after_out_of_memory(config, device, first)


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


def _compared(what: str, one: dict[str, float], other: dict[str, float]) -> Line:
    apart = max(abs(one[name] - other[name]) / max(1e-3, abs(one[name])) for name in one)
    text = "equal to the last bit" if one == other else f"{apart:.1e} at most"
    return judged(CHECK, what, f"relative difference {_SAME:g}", text, apart <= _SAME)


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
