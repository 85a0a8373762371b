"""On a GPU the host waits for no loss, and what is computed there is what a CPU computes."""

import sys
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from tests.benchmarks.bytes_moved import autocast_of_meta
from tests.trainables.losses.cases import LOSSES, RELEASED, Loss
from tests.trainables.losses.test_contract import CLASSES, batch
from trainables.geometry.boundaries import VOID, sobel_boundary
from trainables.losses.geodesic import Form, distance_of
from trainables.losses.inverse_form import inverse_form
from trainables.losses.term import LossTerm


def _geodesic(form: Form) -> Loss:
    def network(predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
        return (predicted_NSS - true_NSS).flatten(1)[:, :8]

    def loss(logits: Tensor, labels: Tensor) -> LossTerm:
        maps = sobel_boundary(labels, CLASSES), labels != VOID
        distance = distance_of("geodesic", form=form)
        return inverse_form(logits.sum(dim=1), *maps, network=network, tile=4, distance=distance)

    return loss


GEODESIC = "inverse_form, geodesic"
EVERY: dict[str, Loss] = {
    **LOSSES,
    **{f"{name}, released": RELEASED[name] for name in RELEASED},
    GEODESIC: _geodesic("bounded"),
}
WAITS = {GEODESIC: 1}
"""How often the host waits for a loss, if it does: a decomposition looks whether it has converged.
That of ``loss/geodesic`` "printed", which is there to show its gradients, looks twice."""


class Waits(TorchFunctionMode):
    """Counts what waits for a device though it needs no value of it."""

    count = 0

    def __torch_function__(
        self,
        function: Callable[..., object],
        types: tuple[type, ...],
        inputs: tuple[object, ...] = (),
        options: Mapping[str, object] | None = None,
    ) -> object:
        answer = function(*inputs, **(options or {}))
        to_device = isinstance(answer, Tensor) and answer.device.type == "meta"
        given = [one for one in inputs if isinstance(one, Tensor)]
        copied = to_device and function in _COPIES and not (options or {}).get("non_blocking")
        copied = copied and all(one.device.type == "cpu" or function in _MAKERS for one in given)
        self.count += copied or function in _LOOKING
        return answer


_MAKERS = (torch.tensor, torch.as_tensor, Tensor.new_tensor)
_COPIES = (*_MAKERS, Tensor.to)
_LOOKING = (torch.linalg.eigh, torch.linalg.svd, torch.linalg.solve, torch.linalg.inv)


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
    with autocast_of_meta(), Waits() as waits:
        EVERY[name](logits_BKHW, labels_BHW).value().backward()
    assert waits.count == WAITS.get(name, 0)
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
