"""The blocks of PAD-Net and MTI-Net give what the released code gives with the same weights."""

import re

import pytest
import torch
from torch import Tensor, nn

from tests.trainables.metrics.conftest import load_golden
from trainables.config.tasks import TaskName
from trainables.networks.multi_task.blocks import (
    Distillation,
    FeaturePropagation,
    SpatialAttention,
    SqueezeExcite,
)
from trainables.networks.multi_task.mti_net import InitialFeatures

TASKS: tuple[TaskName, ...] = ("semseg", "depth")
RENAMED = (
    (r"(?:^|(?<=\.))squeeze\.0\.", "squeeze."),
    (r"(?:^|(?<=\.))squeeze\.2\.", "excite."),
    (r"attention\.0\.", "gate."),
    (r"(?:^|(?<=\.))conv\.", "value."),
    (r"^self_attention\.", "messages."),
    (r"^non_linear\.", "mask."),
    (r"^dimensionality_reduction\.", "merge."),
    (r"^se\.", "excite."),
    (r"^refinement\.", "refine."),
)
"""The released names -> ours."""


def golden(case: str, kind: str) -> dict[str, Tensor]:
    """``x``, ``y`` or ``w`` of a case, by the rest of the name."""
    start = f"{case}/{kind}"
    found = load_golden("blocks.npz").items()
    named = {
        name[len(start) + 1 :]: torch.from_numpy(v) for name, v in found if name.startswith(start)
    }
    return {name: v.double() if v.is_floating_point() else v for name, v in named.items()}


def loaded(module: nn.Module, case: str) -> nn.Module:
    own, state = module.state_dict(), {}
    for name, value in golden(case, "w").items():
        for theirs, ours in RENAMED:
            name = re.sub(theirs, ours, name)
        if not name.startswith("decoders."):
            state[name] = value.view_as(own[name])  # a linear layer is a 1x1 convolution here
    module.load_state_dict(state)
    return module.double().eval()


def features(case: str) -> dict[TaskName, Tensor]:
    given = golden(case, "x")
    return {task: given[f"features_{task}"] for task in TASKS}


@pytest.mark.parametrize(
    ("case", "module"), [("se", SqueezeExcite(32)), ("sa", SpatialAttention(6))]
)
def test_attention(case: str, module: nn.Module) -> None:
    (given,), (expected,) = golden(case, "x").values(), golden(case, "y").values()
    torch.testing.assert_close(loaded(module, case)(given), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("case", "module"),
    [
        ("distill", Distillation(TASKS, TASKS, 5)),
        ("fpm2", FeaturePropagation(TASKS, 16, "released")),
    ],
)
def test_exchange_among_tasks(case: str, module: nn.Module) -> None:
    found, expected = loaded(module, case)(features(case)), golden(case, "y")
    for task in TASKS:
        torch.testing.assert_close(found[task], expected[task], rtol=1e-6, atol=1e-9)


def test_a_softmax_over_tasks_is_another_function_than_the_released_one() -> None:
    paper = loaded(FeaturePropagation(TASKS, 16, "paper"), "fpm2")
    found, expected = paper(features("fpm2")), golden("fpm2", "y")
    assert max((found[task] - expected[task]).abs().max().item() for task in TASKS) > 0.1
    assert isinstance(paper, FeaturePropagation)
    weights = paper._softmax(paper.mask(torch.cat([*features("fpm2").values()], dim=1)))
    torch.testing.assert_close(weights[:, :16] + weights[:, 16:], torch.ones_like(weights[:, :16]))


def test_initial_features_of_a_finer_scale() -> None:
    given, expected = golden("initpred", "x"), golden("initpred", "y")
    module = loaded(InitialFeatures(TASKS, 28, 12), "initpred")
    found = module(given["curr"], {task: given[f"prev_{task}"] for task in TASKS})
    weights = golden("initpred", "w")
    for task in TASKS:
        own = expected[f"features_{task}"]
        torch.testing.assert_close(found[task], own, rtol=1e-6, atol=1e-9)
        weight, bias = (weights[f"decoders.{task}.{name}"] for name in ("weight", "bias"))
        logits = nn.functional.conv2d(found[task], weight, bias)
        torch.testing.assert_close(logits, expected[task], rtol=1e-6, atol=1e-9)
