"""On a GPU the host waits for no loss, and what is computed there is what a CPU computes."""

import sys

import pytest
import torch
from torch import Tensor

from tests.benchmarks.bytes_moved import autocast_of_meta
from tests.trainables.losses.cases import LOSSES, RELEASED, Loss
from tests.trainables.losses.test_contract import batch
from trainables.geometry.boundaries import VOID

EVERY: dict[str, Loss] = {**LOSSES, **{f"{name}, released": RELEASED[name] for name in RELEASED}}


@pytest.fixture
def _as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The branches of a GPU, with tensors of the CPU."""
    found = [m for name, m in sys.modules.items() if name.startswith("trainables.")]
    for module in found:
        if hasattr(module, "on_cpu"):
            monkeypatch.setattr(module, "on_cpu", lambda tensor: False)


@pytest.mark.parametrize("name", EVERY)
def test_no_loss_looks_at_a_value(name: str) -> None:
    """Tensors of the device "meta" have no values, so whatever would wait for one fails: item(),
    nonzero(), a mask as an index, cpu(), numpy(). 40 rows, so that every stopping test is met."""
    logits_BKHW = torch.zeros(2, 3, 40, 48, device="meta", requires_grad=True)
    labels_BHW = torch.zeros(2, 40, 48, dtype=torch.int64, device="meta")
    with autocast_of_meta():
        EVERY[name](logits_BKHW, labels_BHW).value().backward()
    assert logits_BKHW.grad is not None
    assert logits_BKHW.grad.device.type == "meta"


def _value_and_gradient(loss: Loss, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    leaf = logits.detach().requires_grad_()
    value = loss(leaf, labels).value()
    return value.detach(), torch.autograd.grad(value, leaf)[0]


@pytest.mark.parametrize("name", EVERY)
def test_a_gpu_computes_what_a_cpu_does(name: str, request: pytest.FixtureRequest) -> None:
    logits, labels = batch(rows=9, columns=8)
    labels[0] = VOID
    labels[1] = 1  # no boundary
    expected = _value_and_gradient(EVERY[name], logits, labels)
    request.getfixturevalue("_as_on_a_gpu")
    found = _value_and_gradient(EVERY[name], logits, labels)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
