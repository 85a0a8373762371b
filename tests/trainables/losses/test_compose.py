from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from tests.processes import on_ranks
from tests.trainables.losses.cases import edge_net, inverse_net
from trainables.config import LossConfig
from trainables.config.rival_losses import RIVALS
from trainables.geometry.boundaries import VOID
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.compose import (
    active_weights,
    combine,
    loss_terms,
    needs_boundary_head,
    needs_edge_net,
    needs_inverse_net,
)
from trainables.losses.term import LossTerm
from trainables.losses.terms import TERMS

EVERYTHING: dict[str, Any] = {
    "beta": 1.0,
    "gamma": 0.5,
    "tile": 8,
    "edge_attention": 0.1,
    "lovasz": 1.0,
    "w_a": 1.5,
    "fkl": 0.5,
    "gdl": 1.0,
    "bl": 0.1,
    "hausdorff": 0.1,
    "correlation": 0.1,
    "lambda_2": 1.0,
    "ar": 0.1,
    **dict.fromkeys(RIVALS, 0.1),
}
LEARNED = Learned(inverse_net=inverse_net, edge_net=edge_net)


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (3, 4, 4), generator=generator)
    labels = labels.repeat_interleave(4, 1).repeat_interleave(4, 2)
    labels[0, :5] = VOID
    return torch.randn(3, 4, 16, 16, generator=generator), labels


def objective(config: LossConfig, outputs: Tensor, labels: Tensor) -> Tensor:
    prediction = Prediction(outputs[:, :3], outputs[:, 3])
    terms = loss_terms(config, prediction, Target(labels, 3), LEARNED)
    return combine(terms, active_weights(config))[0]


def test_every_loss_has_a_weight_and_is_computed() -> None:
    config = LossConfig(**EVERYTHING)
    assert set(active_weights(config)) == set(TERMS)
    outputs, labels = batch()
    outputs.requires_grad_()
    objective(config, outputs, labels).backward()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize("variant", ["paper", "released"])
@pytest.mark.parametrize("name", [name for name in EVERYTHING if name != "tile"])
def test_each_loss_alone_in_both_variants(name: str, variant: Any) -> None:
    config = LossConfig(xe=0.0, tile=8, variant=variant, **{name: EVERYTHING[name]})
    outputs, labels = batch()
    assert len(active_weights(config)) == 1
    assert objective(config, outputs, labels).isfinite()


def test_the_weight_of_semeda_is_inside() -> None:
    assert active_weights(LossConfig(lambda_1=2.0, lambda_3=0.25))["edge"] == 1.0
    assert active_weights(LossConfig(lambda_1=5.0, edge="ppce"))["edge"] == 5.0


def test_a_term_that_is_scheduled_to_zero_is_not_computed() -> None:
    config = LossConfig(w_a=1.5, lovasz=1.0, schedule="w_a from 0.8, lovasz linear 1 0")
    assert active_weights(config) == {"cross_entropy": 1.0, "lovasz": 1.0}
    late = active_weights(config, progress=0.9)
    assert late == pytest.approx({"cross_entropy": 1.0, "lovasz": 0.1, "active_boundary": 1.5})
    outputs, labels = batch()
    prediction, target = Prediction(outputs[:, :3], None), Target(labels, 3)
    assert set(loss_terms(config, prediction, target, Learned())) == {"cross_entropy", "lovasz"}
    assert set(loss_terms(config, prediction, target, Learned(), progress=0.9)) == set(late)
    with pytest.raises(ValueError, match=r"progress must be in \[0, 1\], got 1.5"):
        active_weights(config, progress=1.5)


def test_alpha_blends_dice_into_the_boundary_terms() -> None:
    config = LossConfig(xe=0.0, gdl=1.0, bl=1.0, alpha="linear")
    assert active_weights(config) == {"generalised_dice": 1.0}
    end = active_weights(config, progress=1.0)
    assert end == pytest.approx({"generalised_dice": 0.01, "boundary_loss": 0.99})
    stolen = active_weights(LossConfig(xe=0.0, gdl=1.0, w_a=2.0, alpha="stealing"), 0.5)
    assert stolen == pytest.approx({"generalised_dice": 0.5, "active_boundary": 2 * 0.51})


def test_what_a_trial_needs_is_known_before_it_starts() -> None:
    late = LossConfig(beta=1.0, gamma=0.5, lambda_1=1.0, schedule="beta from 0.9, gamma from 0.9")
    assert (needs_boundary_head(late), needs_inverse_net(late), needs_edge_net(late)) == (True,) * 3
    plain = LossConfig(w_a=1.0)
    needs = (needs_boundary_head(plain), needs_inverse_net(plain), needs_edge_net(plain))
    assert needs == (False,) * 3
    head = LossConfig(lambda_1=1.0, edge="multi_task")
    assert (needs_boundary_head(head), needs_edge_net(head)) == (True, False)
    assert not needs_boundary_head(LossConfig(beta=1.0, schedule="beta linear 0 0"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"w_a": -1.0}, "loss/w_a must be a finite number >= 0, got -1.0"),
        ({"lambda_2": float("nan")}, "loss/lambda_2 must be a finite number >= 0, got nan"),
        ({"theta": 0.0}, "loss/theta must be a finite number > 0, got 0.0"),
        ({"edge": "sobel"}, "loss/edge must be one of before_relu, after_relu, ppce, multi_task"),
        ({"edge": "ppce", "lambda_2": 1.0}, "loss/lambda_2 must be 0 with loss/edge ppce"),
        ({"schedule": "w_a at 3"}, "loss/schedule must hold rules"),
        ({"alpha": "linear", "schedule": "gdl from 0.5"}, "loss/schedule must be without gdl, bl"),
        ({"resize": "672x1344"}, "loss/resize must be none unless loss/variant is released"),
        ({"scnp_size": 4}, "loss/scnp_size must be an odd number >= 1, got 4"),
        ({"focal_loss_alpha": 0.5}, "loss/focal_loss_alpha must be 0 with loss/focal_loss_form"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LossConfig(**changes)


def test_no_term_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="terms must hold a loss"):
        combine({}, {})


def test_fractional_counts_divide() -> None:
    term = LossTerm(torch.tensor(1.0), torch.tensor(0.25))
    assert combine({"a": term}, {"a": 2.0})[0].item() == 8.0
    nothing = LossTerm(torch.tensor(0.0), torch.tensor(0))
    assert combine({"a": nothing}, {"a": 2.0})[0].item() == 0.0


def one_rank(rank: int, answers: Any) -> None:
    outputs, labels = batch()
    part = slice(0, 1) if rank == 0 else slice(1, 3)
    leaf = outputs[part].requires_grad_()
    value = objective(LossConfig(**EVERYTHING), leaf, labels[part])
    value.backward()
    dist.all_reduce(value.detach_())
    assert leaf.grad is not None
    answers.put((rank, value.item() / 2, (leaf.grad / 2).tolist()))  # the mean of DDP


def test_two_processes_give_the_value_and_gradient_of_one(tmp_path: Path) -> None:
    outputs, labels = batch()
    leaf = outputs.clone().requires_grad_()
    value = objective(LossConfig(**EVERYTHING), leaf, labels)
    value.backward()
    answers = mp.get_context("spawn").SimpleQueue()
    on_ranks(2, tmp_path, one_rank, answers)
    by_rank = sorted((answers.get() for _ in range(2)), key=lambda answer: answer[0])
    assert by_rank[0][1] == pytest.approx(value.item(), rel=1e-5)
    gradient = torch.cat([torch.tensor(answer[2]) for answer in by_rank])
    torch.testing.assert_close(gradient, leaf.grad, rtol=1e-4, atol=1e-7)
