"""Training recipes: schedules, groups, accumulation, clipping, precision, averages, resuming."""

from dataclasses import replace

import pytest
import torch

from tests.trainables.training.test_training import CPU, config, training
from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.optim.schedules import rate_factor
from trainables.training.optimization import groups_of, held_settings
from trainables.training.training import Training


def rates(total: int = 100, **changes: float | str) -> list[float]:
    flat = {f"optim/{name}": value for name, value in changes.items()}
    optim = TrialConfig().changed(flat).optim
    return [rate_factor(optim, step, total) for step in range(total + 1)]


def test_poly_is_the_formula() -> None:
    assert rates() == pytest.approx([(1 - step / 100) ** 0.9 for step in range(101)])
    linear = rates(poly_power=1.0, warmup=0.1)
    assert linear[:3] == pytest.approx([0.1, 0.2 * 0.99, 0.3 * 0.98])
    assert linear[50] == pytest.approx(0.5)
    assert rates(schedule="constant") == [1.0] * 101


def test_one_cycle_is_torch_s() -> None:
    """torch's own schedule: warm-up of 30 %, divided by 25 at first and by 1e5 at last."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([parameter], lr=1.0)
    total = 101  # torch's last step is total - 1
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=total, final_div_factor=4000, cycle_momentum=False
    )
    theirs: list[float] = []
    for _ in range(total - 1):
        theirs.append(float(cycle.get_last_lr()[0]))
        optimizer.step()
        cycle.step()
    ours = rates(schedule="one_cycle")
    assert ours[0] == pytest.approx(1 / 25)
    assert ours[30] == pytest.approx(1)
    assert ours[100] == pytest.approx(1e-5)
    # torch counts its phases to one step less: the curves differ by half a step at most
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=False)) < 0.06


def test_the_head_has_its_own_rate_and_the_backbone_keeps_its() -> None:
    flat: dict[str, float | str] = {
        "model/network": "lraspp",
        "optim/head_lr": 10.0,
        "optim/lr": 0.01,
        "data/height": 64,
        "data/width": 64,
    }
    run = training(config(**flat))
    backbone, head = run.optimizer.param_groups
    assert (backbone["lr"], head["lr"]) == pytest.approx((0.01, 0.1))
    inside = {id(x) for x in run.network.network.backbone.parameters()}  # type: ignore[union-attr]
    assert {id(parameter) for parameter in backbone["params"]} == inside
    assert len(backbone["params"]) + len(head["params"]) == len(list(run.network.parameters()))


def test_an_epoch_s_batches_are_dealt_to_steps() -> None:
    assert groups_of(7, 3) == [3, 3, 1]
    assert groups_of(6, 3) == [3, 3]
    assert groups_of(2, 5) == [2]


def test_accumulated_batches_are_one_step_with_the_mean_gradient() -> None:
    """Plain SGD: two batches, one step = the mean of the two batches' gradients, by hand."""
    flat: dict[str, float | str] = {
        "optim/optimizer": "sgd",
        "optim/momentum": 0.0,
        "optim/weight_decay": 0.0,
        "optim/schedule": "constant",
        "optim/lr": 0.1,
        "loss/beta": 0.0,
        "loss/gamma": 0.0,
        "data/flip": False,
    }
    together = training(config(**{**flat, "optim/accumulate": 2}))
    before = [parameter.detach().clone() for parameter in together.network.parameters()]
    together.train_epoch()
    assert together._groups(1) == [2]

    alone = training(config(**flat))
    from trainables.data.batches import training_batches

    sums = [torch.zeros_like(parameter) for parameter in before]
    for images, labels, _ in training_batches(
        alone.dataset.splits["train"], alone.config.data, batch=5, seed=0, epoch=1, rank=0, ranks=1
    ):
        alone.network.zero_grad()
        logits = alone.network.train()(images).logits_BKHW
        torch.nn.functional.cross_entropy(logits, labels, ignore_index=255).backward()
        for total, parameter in zip(sums, alone.network.parameters(), strict=True):
            assert parameter.grad is not None
            total += parameter.grad
    for start, total, end in zip(before, sums, together.network.parameters(), strict=True):
        assert torch.allclose(start - 0.1 * total / 2, end, atol=1e-6)


def test_a_clipped_gradient_moves_the_weights_by_no_more() -> None:
    flat: dict[str, float | str] = {
        "optim/optimizer": "sgd",
        "optim/momentum": 0.0,
        "optim/weight_decay": 0.0,
        "optim/schedule": "constant",
        "optim/lr": 1.0,
        "optim/clip_norm": 0.01,
        "batch": 10,
    }
    run = training(config(**flat))
    before = torch.cat([parameter.detach().flatten() for parameter in run.network.parameters()])
    run.train_epoch()
    after = torch.cat([parameter.detach().flatten() for parameter in run.network.parameters()])
    assert (after - before).norm() == pytest.approx(0.01, rel=1e-3)


def test_frozen_batch_norms_do_not_move() -> None:
    flat: dict[str, float | str] = {
        "model/network": "hrnet_w18s",
        "model/freeze_batch_norm": True,
        "data/height": 64,
        "data/width": 64,
        "data/train_images": 5,
    }
    run = training(config(**flat))
    frozen = {
        f"{name}.{key}": value.clone()
        for name, module in run.network.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d)
        for key, value in module.state_dict().items()
    }
    run.train_epoch()
    assert frozen
    state = run.network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in frozen.items())


def test_the_average_is_evaluated_and_lags_behind() -> None:
    """After one step the average is decay * start + (1 - decay) * end."""
    run = training(config(**{"optim/ema": 0.75, "batch": 10, "epochs": 1}))
    start = [parameter.detach().clone() for parameter in run.network.parameters()]
    run.train_epoch()
    assert run.average is not None
    triples = zip(start, run.network.parameters(), run.average.module.parameters(), strict=True)
    for before, after, mean in triples:
        assert torch.equal(before.lerp(after, 0.25), mean)


EVERYTHING: dict[str, float | str] = {
    "optim/optimizer": "sgd",
    "optim/schedule": "one_cycle",
    "optim/accumulate": 2,
    "optim/clip_norm": 1.0,
    "optim/precision": "bf16",
    "optim/channels_last": True,
    "optim/ema": 0.9,
    "data/scale_min": 0.5,
    "data/scale_max": 2.0,
    "data/brightness": 10.0,
}


def test_a_resumed_trial_with_everything_on_ends_as_an_uninterrupted_one() -> None:
    uninterrupted = training(config(**EVERYTHING))
    uninterrupted_epochs = [uninterrupted.train_epoch() for _ in range(3)]
    first = training(config(**EVERYTHING))
    resumed_epochs = [first.train_epoch()]
    second = training(config(**EVERYTHING))
    second.load(first.save())
    resumed_epochs += [second.train_epoch() for _ in range(2)]
    assert resumed_epochs == uninterrupted_epochs
    assert second.evaluate().metrics == uninterrupted.evaluate().metrics


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_after_the_last_epoch_only_the_network_that_is_evaluated_is_saved(ema: float) -> None:
    ended = training(config(epochs=2, **{"optim/ema": ema}))
    ended.train_epoch()
    running = len(ended.save())
    ended.train_epoch()
    state = ended.save()
    assert len(state) < running / (3 if ema else 2.5), "neither moments nor a second network"
    again = training(config(epochs=2, **{"optim/ema": ema}))
    again.load(state)
    measured = again.evaluate("test").metrics
    assert measured == pytest.approx(ended.evaluate("test").metrics, rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_trains_and_its_losses_stay_fp32(precision: str) -> None:
    flat: dict[str, float | str] = {"optim/lr": 0.01}
    run, full = training(config(**flat, **{"optim/precision": precision})), training(config(**flat))
    history, exact = run.train_epoch(), full.train_epoch()
    assert isinstance(history, dict)
    assert isinstance(exact, dict)
    assert history["train/cross_entropy"] == pytest.approx(exact["train/cross_entropy"], rel=0.05)
    assert {parameter.dtype for parameter in run.network.parameters()} == {torch.float32}
    assert history != exact


def test_auxiliary_heads_are_a_term_of_the_loss() -> None:
    flat: dict[str, float | str] = {
        "model/network": "icnet_r50",
        "data/height": 64,
        "data/width": 64,
        "data/train_images": 2,
        "data/val_images": 1,
        "batch": 2,
        "loss/beta": 0.0,
        "loss/gamma": 0.0,
    }
    trial_config = config(**flat)
    run = Training(trial_config, load(trial_config.data), Learned(), CPU)
    history = run.train_epoch()
    assert isinstance(history, dict)
    # Untrained predictions are almost uniform: each cross-entropy is near log 6, times 0.16 or 0.4
    assert history["train/auxiliary"] == pytest.approx(0.56 * 1.79, rel=0.3)
    total = history["train/cross_entropy"] + history["train/auxiliary"]
    assert history["train/loss"] == pytest.approx(total, rel=1e-5)
    without = replace(trial_config, model=replace(trial_config.model, auxiliary=False))
    bare = Training(without, load(trial_config.data), Learned(), CPU).train_epoch()
    assert isinstance(bare, dict)
    assert "train/auxiliary" not in bare


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_fused_optimiser_is_the_same_step_in_one_kernel(optimizer: str) -> None:
    given = ({"optim/optimizer": optimizer, "optim/fused": fused} for fused in (True, False))
    runs = [training(config(**each)) for each in given]
    for run in runs:
        run.train_epoch()
    fused, plain = runs
    assert held_settings(fused.config.optim, fused.optimizer)["optim/fused"] is True
    assert held_settings(plain.config.optim, plain.optimizer)["optim/fused"] is False
    pairs = zip(fused.network.parameters(), plain.network.parameters(), strict=True)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in pairs)
