"""A network of several tasks: ranks, resumes, weights that change, and what it can learn."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.processes import on_ranks
from trainables.config import TrialConfig, Value
from trainables.data import Dataset, load
from trainables.losses.batch import Learned
from trainables.networks.segmentation import SegmenterOutput
from trainables.stages import registry
from trainables.training.epoch_summary import Diverged
from trainables.training.training import Training

CPU = torch.device("cpu")
ALL: dict[str, Value] = {
    "data/train_images": 5,
    "data/val_images": 3,
    "data/test_images": 1,
    "data/height": 32,
    "data/width": 48,
    "data/targets": "edge,depth,normals,saliency",
    "task/tasks": "semseg,edge,depth,normals,saliency",
    "task/depth_loss": "berhu",
    "model/width": 4,
    "loss/gamma": 0.1,
    "loss/tile": 16,
    "inverse_net/network": "dense",
    "inverse_net/hidden": 4,
    "batch": 5,
    "epochs": 4,
}
OWN = ("cross_entropy", *(f"task_{name}" for name in ("edge", "depth", "normals", "saliency")))


def config(**changes: Value) -> TrialConfig:
    return TrialConfig().changed({**ALL, **changes})


@cache
def scenes() -> Dataset:
    """The second image has no depth, the third no label, so that ranks count unevenly."""
    data = load(config().data)
    train = data.splits["train"]
    depth, labels = train.targets["depth"].copy(), train.labels_NHW.copy()
    depth[1], labels[2], depth[0, :9] = 0, 255, 0
    train = replace(train, labels_NHW=labels, targets={**train.targets, "depth": depth})
    return replace(data, splits={**data.splits, "train": train})


def training(**changes: Value) -> Training:
    trial = config(**changes)
    torch.manual_seed(3)
    learned = registry.untrained(trial, 6) if trial.loss.gamma else Learned()
    return Training(trial, scenes(), learned, CPU)


NO_STAGE: dict[str, Value] = {"loss/gamma": 0.0}
SGD: dict[str, Value] = {
    "optim/optimizer": "sgd",
    "optim/lr": 0.001,
    "task/weighting": "uncertainty",
    "loss/w_a": 0.1,
    "task/boundary_on": "edge",
}


def _rank_main(rank: int, ranks: int, folder: str) -> None:
    torch.set_num_threads(1)
    run = training(**SGD)
    metrics = [run.train_epoch() for _ in "12"]
    terms = run.evaluate(with_terms=True).terms
    gradients = {name: weight.grad for name, weight in run.network.named_parameters()}
    learnt = run.objective.weighting.log_variance_T
    assert learnt is not None
    gradients["log variance"] = learnt.grad
    if rank == 0:
        torch.save(
            {"metrics": metrics, "terms": dict(terms), "gradients": gradients},
            f"{folder}/{ranks}.pt",
        )


def test_two_ranks_give_what_one_gives_for_all_tasks(tmp_path: Path) -> None:
    _rank_main(0, 1, str(tmp_path))
    on_ranks(2, tmp_path, _rank_main, 2, str(tmp_path))
    one, two = (torch.load(tmp_path / f"{ranks}.pt", weights_only=True) for ranks in (1, 2))

    for a, b in zip(one["metrics"], two["metrics"], strict=True):
        assert {f"train/{name}" for name in (*OWN, "inverse_form", "active_boundary")} < a.keys()
        assert a == pytest.approx(b, rel=1e-4)
    assert {f"val/{name}" for name in OWN[1:]} < one["terms"].keys()
    assert one["terms"] == pytest.approx(two["terms"], rel=1e-3)
    for name, gradient in one["gradients"].items():
        scale = gradient.abs().max()
        assert scale > 0, name
        assert torch.allclose(gradient, two["gradients"][name], rtol=1e-3, atol=1e-3 * scale), name


@pytest.mark.parametrize("weighting", ["uncertainty", "dwa"])
def test_a_resumed_trial_has_the_weights_of_an_uninterrupted_one(weighting: str) -> None:
    changes = {**NO_STAGE, "task/weighting": weighting, "optim/lr": 0.01}
    whole = training(**changes)
    expected = [whole.train_epoch() for _ in "1234"]

    first = training(**changes)
    found = [first.train_epoch() for _ in "12"]
    second = training(**changes)
    second.load(first.save())
    found += [second.train_epoch() for _ in "34"]
    assert found == expected

    last = expected[-1]
    assert isinstance(last, dict)
    weights = {name: value for name, value in last.items() if name.startswith("task_weight/")}
    assert len(weights) == 5
    start = training(**changes).objective.weighting.end_epoch({f"train/{name}": 1 for name in OWN})
    assert all(weights[name] != start[name] for name in weights)


def test_learnt_weights_move_by_the_mean_gradient_of_the_batches_of_a_step() -> None:
    """Plain SGD, one step of three batches: d/ds (e^-s w L + s / 2) at s = 0, L their mean."""
    plain: dict[str, Value] = {"optim/optimizer": "sgd", "optim/momentum": 0.0}
    steps: dict[str, Value] = {"batch": 2, "optim/accumulate": 3, "optim/lr": 0.01}
    task: dict[str, Value] = {"task/weighting": "uncertainty", "task/tasks": "edge,depth"}
    run = training(**NO_STAGE, **plain, **steps, **task, **{"optim/schedule": "constant"})
    losses, learnt = run.train_epoch(), run.objective.weighting.log_variance_T
    assert isinstance(losses, dict)
    assert learnt is not None
    slopes = [0.5 - 50 * losses["train/task_edge"], 0.5 - 0.5 * losses["train/task_depth"]]
    assert learnt.tolist() == pytest.approx([-0.01 * slope for slope in slopes], rel=1e-5)


def test_dwa_has_the_weights_of_the_last_two_epochs_losses() -> None:
    run = training(**NO_STAGE, **{"task/weighting": "dwa", "task/tasks": "edge,depth"})
    epochs = [run.train_epoch() for _ in "123"]
    first, second, third = (epoch for epoch in epochs if isinstance(epoch, dict))
    assert first["task_weight/edge"] == second["task_weight/edge"] == 50
    ratios = {task: second[f"train/task_{task}"] / first[f"train/task_{task}"] for task in RATES}
    raised = {task: np.exp(ratio / 2) for task, ratio in ratios.items()}
    for task, weight in RATES.items():
        expected = weight * 2 * raised[task] / sum(raised.values())
        assert third[f"task_weight/{task}"] == pytest.approx(expected, rel=1e-6)
    whole = sum(third[f"task_weight/{task}"] * third[f"train/task_{task}"] for task in RATES)
    assert third["train/loss"] == pytest.approx(whole, rel=1e-5)


RATES = {"edge": 50.0, "depth": 1.0}


def test_without_the_segmentation_nothing_of_it_is_computed() -> None:
    run = training(**NO_STAGE, **{"task/tasks": "edge,depth"})
    assert run.objective.names == ["task_edge", "task_depth"]
    assert run.evaluate(with_terms=True).terms.keys() == {"val/task_edge", "val/task_depth"}
    losses = run.train_epoch()
    assert isinstance(losses, dict)
    whole = sum(weight * losses[f"train/task_{task}"] for task, weight in RATES.items())
    assert losses["train/loss"] == pytest.approx(whole, rel=1e-5)


def test_a_head_without_a_loss_takes_part_in_the_backward() -> None:
    """DistributedDataParallel waits for every parameter's gradient."""
    run = training(**NO_STAGE, **{"task/depth": 0.0})
    run.train_epoch()
    assert "task_depth" not in run.objective.names
    gradients = {name: weight.grad for name, weight in run.network.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())


def test_a_head_that_is_not_finite_ends_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    run = training(**NO_STAGE)
    usual = run.network.forward

    def lost(*given: object) -> SegmenterOutput:
        output: SegmenterOutput = usual(*given)  # type: ignore[arg-type]
        return output._replace(tasks={**output.tasks, "depth": output.tasks["depth"] * torch.nan})

    monkeypatch.setattr(run.network, "forward", lost)
    found = run.train_epoch()
    assert isinstance(found, Diverged)
    assert found.terms.keys() == {*OWN}
