"""The losses in somebody else's training: compilers, transforms, precisions, odd batches."""

import re
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.trainables.modules.scenes import CLASSES, Scene, modules, scene
from trainables.edgewise import losses as public
from trainables.losses.cross_entropy import cross_entropy
from trainables.modules.loss_module import HeadLoss, LossModule

NAMES = list(modules())
BY_HAND = {
    *("lovasz", "active_boundary", "full_divergence", "generalised_dice", "boundary_loss"),
    *("edge", "edge ppce", "dice_loss", "tversky_loss", "jaccard_metric_loss", "l1_ace", "scnp"),
    *(
        "soft_cldice",
        "boundary_dou_loss",
        "multiclass_unified_focal",
        "margin_smoothing",
        "affinity_field",
        "rmi",
    ),
}
"""Losses with a first derivative only."""
NOT_OF_FUNC = {*BY_HAND, "active_boundary attached", "hausdorff", "focal_loss"}
"""Those that read values of the logits or of their distances with numpy."""
TILES = {"inverse_form", "boundary_correlation"}


def module_of(name: str) -> LossModule:
    return modules()[name][0]


def gradients(given: Scene) -> list[Tensor]:
    return [torch.zeros(()) if leaf.grad is None else leaf.grad for leaf in given.leaves()]


def test_a_compiled_step_has_the_same_value_and_gradient() -> None:
    """All losses in one step: compiling takes a second."""
    losses, plain, compiled = [module_of(name) for name in NAMES], scene(), scene()
    graphs: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        graphs.append(graph)
        return graph

    def step(logits: Tensor, boundary_logits: Tensor) -> Tensor:
        given = Scene(logits * 2, compiled.labels, boundary_logits)
        calls = public.active_boundary(given.logits, given.labels, theta=5.0) + public.edge_head(
            *given
        )
        return calls + torch.stack([given.loss(loss) for loss in losses]).sum()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = torch.compile(step, backend=backend)(*compiled.leaves())
    value.backward()
    expected = step(*plain.leaves())
    expected.backward()
    assert value == expected
    for mine, theirs in zip(gradients(compiled), gradients(plain), strict=True):
        assert torch.equal(mine, theirs)
    assert len(graphs) <= len(losses) + 3  # around the losses, each of which stays one call


@pytest.mark.parametrize("name", NAMES)
def test_a_second_derivative_beside_another_loss_is_right_or_refused(name: str) -> None:
    """Against a central difference of the squared gradient, along one direction."""
    module, given = module_of(name).double(), scene(torch.float64)

    def penalty(step: float) -> tuple[Tensor, Scene]:
        logits = (given.logits + step * direction[0]).detach().requires_grad_()
        head = (given.boundary_logits + step * direction[1]).detach().requires_grad_()
        moved = given._replace(logits=logits, boundary_logits=head)
        loss = moved.loss(module) + logits.pow(3).sum() + head.pow(3).sum()
        first = torch.autograd.grad(loss, moved.leaves(), create_graph=True)
        return torch.stack([part.square().sum() for part in first]).sum(), moved

    generator = torch.Generator().manual_seed(1)
    direction = [torch.randn(leaf.shape, generator=generator).double() for leaf in given.leaves()]
    try:
        value, moved = penalty(0.0)
        if name in BY_HAND:
            with pytest.raises(NotImplementedError, match="has a first derivative only"):
                value.backward()
            return
        second = torch.autograd.grad(value, moved.leaves())
        slope = sum((a * b).sum() for a, b in zip(second, direction, strict=True))
        estimate = (penalty(1e-6)[0] - penalty(-1e-6)[0]) / 2e-6
        assert torch.allclose(torch.as_tensor(slope), estimate.detach(), rtol=1e-6)
    finally:
        module.float()


@pytest.mark.parametrize("name", NAMES)
def test_a_functional_gradient_is_right_or_refused(name: str) -> None:
    module, given = module_of(name), scene()

    def loss(logits: Tensor, boundary_logits: Tensor, labels: Tensor) -> Tensor:
        return Scene(logits, labels, boundary_logits).loss(module)

    inputs = given.logits.detach(), given.boundary_logits.detach(), given.labels
    of_func = torch.func.grad(loss, argnums=(0, 1))
    if name in NOT_OF_FUNC:
        with pytest.raises(NotImplementedError, match=r"torch\.func cannot see: use loss"):
            of_func(*inputs)
    else:
        given.loss(module).backward()
        for mine, theirs in zip(of_func(*inputs), gradients(given), strict=True):
            assert torch.allclose(mine, theirs.expand_as(mine), atol=1e-8)
    with pytest.raises(NotImplementedError, match="takes batches as they are"):
        torch.func.vmap(lambda one: loss(one.unsqueeze(0), inputs[1], inputs[2]))(inputs[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_is_computed_in_a_full_one(name: str, dtype: torch.dtype) -> None:
    """The same numbers in float32 give the same value; the gradient has the logits' type."""
    given = scene(dtype)
    value = given.loss(module_of(name))
    value.backward()
    exact = given._replace(
        logits=given.logits.detach().float(), boundary_logits=given.boundary_logits.detach().float()
    )
    assert value.dtype in (torch.float32, torch.float64)
    tolerance = 1e-4 if dtype == torch.float64 else 0.0
    assert torch.allclose(value.float(), exact.loss(module_of(name)), rtol=tolerance)
    assert {leaf.grad.dtype for leaf in given.leaves() if leaf.grad is not None} == {dtype}


@pytest.mark.parametrize("name", NAMES)
def test_the_layout_in_memory_does_not_matter(name: str) -> None:
    module, plain, other = module_of(name), scene(), scene()
    last = other.logits.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    head = torch.stack([other.boundary_logits.detach()] * 2, dim=-1)[..., 0].requires_grad_()
    turned = other.labels.transpose(1, 2).contiguous().transpose(1, 2)
    strided = Scene(last, turned, head)
    assert torch.allclose(strided.loss(module), plain.loss(module), rtol=1e-6)
    strided.loss(module).backward()
    plain.loss(module).backward()
    for mine, theirs in zip(gradients(strided), gradients(plain), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-8)
    without = Scene(plain.logits.detach(), plain.labels, plain.boundary_logits.detach())
    assert without.loss(module) == plain.loss(module)
    assert not without.loss(module).requires_grad


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(2, 0, 8), (2, 8, 0), (0, 8, 8), (2, 1, 1), (1, 1, 5)])
def test_an_empty_batch_is_zero_and_a_pixel_is_finite(name: str, shape: tuple[int, ...]) -> None:
    images, rows, columns = shape
    given = Scene(
        torch.ones(images, CLASSES, rows, columns, requires_grad=True),
        torch.zeros(shape, dtype=torch.int64),
        torch.zeros(shape, requires_grad=True),
    )
    if name in TILES and images * rows * columns > 0:
        with pytest.raises(ValueError, match="tile must be at most 1, the map's shorter side"):
            given.loss(module_of(name))
        return
    value = given.loss(module_of(name))
    value.backward()
    assert value.isfinite()
    assert value == 0 or 0 not in shape
    assert all(gradient.isfinite().all() for gradient in gradients(given))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int16, torch.int32])
@pytest.mark.parametrize("name", NAMES)
def test_labels_of_any_whole_type_are_taken(name: str, dtype: torch.dtype) -> None:
    given = scene()
    assert given._replace(labels=given.labels.to(dtype)).loss(module_of(name)) == given.loss(
        module_of(name)
    )


@pytest.mark.parametrize("name", NAMES)
def test_any_label_may_be_the_ignored_one(name: str) -> None:
    module, given = module_of(name), scene()
    expected = given.loss(module)
    module.ignore_index = -100
    other = given._replace(labels=given.labels.masked_fill(given.labels == 255, -100))
    assert other.loss(module) == expected
    with pytest.raises(
        ValueError, match=re.escape("labels must be in 0..2 or -100 (ignore_index)")
    ):
        given.loss(module)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        ((2, 3, 8, 8), torch.float32, "labels must be whole numbers, got torch.float32"),
        ((2, 256, 8, 8), torch.int64, "logits must be of 2 to 255 classes, got 256"),
        ((2, 1, 8, 8), torch.int64, "logits must be of 2 to 255 classes; for one logit x, "),
        ((2, 3, 4, 8), torch.int64, "labels must be of shape (2, 4, 8), got (2, 8, 8)"),
        ((3, 8, 8), torch.int64, "logits must be of shape (B,K,H,W), got (3, 8, 8)"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_right_is_refused_by_name(
    name: str, logits: tuple[int, ...], labels: torch.dtype, message: str
) -> None:
    given = Scene(torch.zeros(logits), torch.zeros(2, 8, 8, dtype=labels), torch.zeros(2, 8, 8))
    with pytest.raises(ValueError, match=re.escape(message)):
        given.loss(module_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_tensors_of_two_devices_are_refused(name: str) -> None:
    given = scene()
    with pytest.raises(ValueError, match="must be on cpu, got"):
        given._replace(labels=given.labels.to("meta")).loss(module_of(name))
    if isinstance(module_of(name), HeadLoss):
        with pytest.raises(ValueError, match="boundary_logits must be on cpu, got"):
            given._replace(boundary_logits=given.boundary_logits.to("meta")).loss(module_of(name))


def test_a_study_s_own_losses_refuse_too_many_classes() -> None:
    """Label 255 is void: a class of that number would silently have no pixel."""
    with pytest.raises(ValueError, match="of at most 255 classes: 255 is void, got 300"):
        cross_entropy(torch.zeros(1, 300, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64))


def test_a_class_may_be_named_once() -> None:
    given = scene()
    with pytest.raises(ValueError, match=r"classes must .*different"):
        given.loss(public.LovaszSoftmax(classes=[0, 1, 1]))
