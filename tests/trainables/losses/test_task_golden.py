"""Losses of tasks against the authors' own outputs: Multi-Task-Learning-PyTorch and ASTMT.

Their depth marks a missing value by 255, and their normals too; ours by 0.
"""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.config import TrialConfig
from trainables.config.tasks import TaskConfig, TaskName
from trainables.losses.batch import Learned, Prediction, Target
from trainables.losses.compose import TERMS, combine
from trainables.losses.task_terms import task_term
from trainables.losses.trial_terms import weights_of
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.batch_terms import terms_of

pytestmark = golden.needs_golden

GOLDEN = golden.load("multitask")
CASES = golden.keys_of(GOLDEN, "/scheme/weighted_total")
THEIRS: dict[TaskName, str] = {
    "edge": "edge",
    "depth": "depth",
    "normals": "normals",
    "saliency": "sal",
    "parts": "human_parts",
}
RELEASED = TaskConfig(variant="released")


def true(case: str, task: TaskName) -> Tensor:
    map_ = torch.from_numpy(GOLDEN[f"{case}/gt/{THEIRS[task]}"])
    if task in ("depth", "normals"):
        map_ = map_.masked_fill(map_ == 255, 0)
    return map_ if task == "normals" else map_[:, 0]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("task", THEIRS)
def test_a_task_has_the_loss_and_the_gradient_of_the_public_code(case: str, task: TaskName) -> None:
    predicted = golden.logits(GOLDEN[f"{case}/pred/{THEIRS[task]}"])
    value = task_term(RELEASED, task, predicted, true(case, task)).value()
    value.backward()
    key = f"{case}/loss/{THEIRS[task]}"
    assert value.item() == pytest.approx(float(GOLDEN[f"{key}/loss"]), rel=1e-7)
    assert predicted.grad is not None
    np.testing.assert_allclose(predicted.grad, GOLDEN[f"{key}/grad"], atol=1e-6, rtol=0)


MTI: tuple[TaskName, ...] = ("edge", "depth", "normals", "saliency")


def enlarged(case: str, scale: int) -> dict[TaskName, Tensor]:
    """Initial predictions at the labels' size, as ``Segmenter`` enlarges them."""
    size = GOLDEN[f"{case}/pred/edge"].shape[-2:]
    maps = {t: torch.from_numpy(GOLDEN[f"{case}/scheme/in/scale_{scale}/{THEIRS[t]}"]) for t in MTI}
    return {
        task: torch.nn.functional.interpolate(map_, size, mode="bilinear")
        for task, map_ in maps.items()
    }


def total(case: str, tasks: str, auxiliary: str = "", scales: tuple[int, ...] = ()) -> float:
    """The objective of these predictions, as a trial has it."""
    config = TrialConfig().changed(
        {
            "data/targets": "edge,depth,normals,saliency,parts",
            "task/tasks": tasks,
            "task/auxiliary": auxiliary,
            "task/variant": "released",
            "model/network": "pad_net" if scales else "tiny",
        }
    )
    names = config.task.names
    maps = {task: torch.from_numpy(GOLDEN[f"{case}/pred/{THEIRS[task]}"]) for task in THEIRS}
    output = SegmenterOutput(
        torch.from_numpy(GOLDEN[f"{case}/pred/semseg"]),
        None,
        tasks={task: maps[task] for task in names if task != "semseg"},
        initial=tuple(enlarged(case, scale) for scale in scales),
    )
    weights = weights_of(config)
    target = Target(golden.labels(GOLDEN[f"{case}/gt/semseg"][:, 0]), 40)
    targets = {task: true(case, task) for task in THEIRS}
    terms = terms_of(config, list(weights), output, target, targets, Learned())
    return combine(terms, weights)[0].item()


@pytest.mark.parametrize("case", CASES)
def test_the_weighted_sum_of_all_tasks_is_that_of_the_public_code(case: str) -> None:
    found = total(case, "semseg,edge,depth,normals,saliency,parts")
    assert found == pytest.approx(float(GOLDEN[f"{case}/scheme/weighted_total"]), rel=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_deep_supervision_weighs_every_scale_as_the_public_code(case: str) -> None:
    pad = total(case, "depth,normals", "edge,saliency", scales=(1,))
    assert pad == pytest.approx(float(GOLDEN[f"{case}/scheme/pad/total"]), rel=1e-7)
    mti = total(case, "depth", "edge,normals,saliency", scales=(0, 1, 2, 3))
    assert mti == pytest.approx(float(GOLDEN[f"{case}/scheme/mti/total"]), rel=1e-7)


def test_the_paper_balances_saliency_within_each_image() -> None:
    """So that it does not matter which rank an image is on; one image is the same in both."""
    case = "t2_1x17x24"
    predicted, salient = torch.from_numpy(GOLDEN[f"{case}/pred/sal"]), true(case, "saliency")
    alone = task_term(TaskConfig(), "saliency", predicted, salient)
    assert alone.value().item() == pytest.approx(float(GOLDEN[f"{case}/loss/sal/loss"]), rel=1e-7)
    blank = torch.zeros_like(predicted), torch.zeros_like(salient)
    both = task_term(
        TaskConfig(),
        "saliency",
        *(torch.cat(pair) for pair in zip((predicted, salient), blank, strict=True)),
    )
    assert both.total.item() == pytest.approx(alone.total.item(), rel=1e-12)


def test_the_segmentation_of_an_initial_prediction_is_a_cross_entropy() -> None:
    case = CASES[0]
    logits = torch.from_numpy(GOLDEN[f"{case}/pred/semseg"])
    labels = golden.labels(GOLDEN[f"{case}/gt/semseg"][:, 0])
    config, target = TrialConfig(), Target(labels, 40)
    output = SegmenterOutput(logits, None, initial=({"semseg": logits}, {"semseg": logits}))
    terms = terms_of(config, ["initial_semseg"], output, target, {}, Learned())
    once = TERMS["cross_entropy"].compute(config.loss, Prediction(logits, None), target, Learned())
    assert terms["initial_semseg"].value().item() == pytest.approx(2 * once.value().item())
