"""Networks with a head for each task: the published size, and a step and an evaluation of each."""

import pytest
import torch
from torch import nn

from trainables.config import ModelConfig, OptimConfig, TrialConfig
from trainables.config.tasks import NetworkTasks, TaskConfig, TaskName
from trainables.networks.batch_norm import make_global
from trainables.networks.segmentation import Segmenter
from trainables.training.optimization import parameter_groups

NYUD2: tuple[str, str] = ("semseg,depth", "")
NYUD2_4 = ("semseg,depth", "edge,normals")
NYUD4 = ("semseg,edge,depth,normals", "")
PASCAL = ("semseg,edge,normals,saliency,parts", "")
HRNET = "hrnet_w18_small_v2"
MTL = "Multi-Task-Learning-PyTorch @ ed3d9ac"
ASTMT = "facebookresearch/astmt @ 4d5d9bf"
PUBLISHED: list[tuple[str, str, tuple[str, str], int, str]] = [
    ("mtl_baseline", HRNET, NYUD2, 4_019_251, MTL),
    ("mtl_baseline", HRNET, PASCAL, 4_238_213, MTL),
    ("pad_net", HRNET, NYUD2, 7_019_056, MTL),
    ("pad_net", HRNET, NYUD2_4, 12_161_332, MTL),
    ("pad_net", HRNET, PASCAL, 29_304_992, MTL),
    ("mti_net", HRNET, NYUD2, 8_578_179, MTL),
    ("mti_net", HRNET, NYUD2_4, 14_838_121, MTL),
    ("mti_net", HRNET, PASCAL, 24_494_171, MTL),
    # Less the discriminators, of 4,421 and 4,356, which are not here.
    ("astmt_modulated", "resnet26", PASCAL, 31_279_377 - 4_421, ASTMT),
    ("astmt_modulated", "resnet50", PASCAL, 49_387_041 - 4_421, ASTMT),
    ("astmt_modulated", "resnet26", NYUD4, 28_589_677 - 4_356, ASTMT),
    ("astmt_modulated", "resnet50", NYUD4, 44_983_725 - 4_356, ASTMT),
    ("astmt_unmodulated", "resnet26", PASCAL, 19_378_329, ASTMT),
    ("astmt_unmodulated", "resnet50", PASCAL, 30_159_465, ASTMT),
]
"""Network, encoder, tasks, and the parameters of the public code's, which is the source."""


def tasks_of(given: tuple[str, str], classes: int, variant: str = "paper") -> NetworkTasks | None:
    main, auxiliary = given
    config = TaskConfig(tasks=main, auxiliary=auxiliary, variant=variant)  # type: ignore[arg-type]
    return config.of_network(classes, num_parts=7)


def built(network: str, encoder: str, given: tuple[str, str], classes: int = 3) -> Segmenter:
    torch.manual_seed(0)
    model = ModelConfig(network=network, encoder=encoder)  # type: ignore[arg-type]
    return Segmenter(model, classes, boundary_head=False, tasks=tasks_of(given, classes))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("network", "encoder", "given", "count", "source"), PUBLISHED)
def test_the_number_of_parameters_is_the_published_one(
    network: str, encoder: str, given: tuple[str, str], count: int, source: str
) -> None:
    with torch.device("meta"):
        assert parameters(built(network, encoder, given, 21 if given == PASCAL else 40)) == count, (
            source
        )


LARGER = [
    ("mtl_baseline", "resnet18"),
    ("pad_net", HRNET),
    ("mti_net", HRNET),
    ("mti_net", "resnet18"),
    ("astmt_modulated", "resnet26"),
]
SMALLER = [
    ("mtl_baseline", "mobilenetv3_small_050", NYUD4, 0),
    ("pad_net", "mobilenetv3_small_050", NYUD2_4, 1),
    ("mti_net", "mobilenetv3_small_050", NYUD2_4, 4),
]
LEVELS = {"pad_net": 1, "mti_net": 4}


@pytest.mark.parametrize(
    ("network", "encoder", "given", "levels"),
    [
        *SMALLER,
        *(
            pytest.param(name, encoder, NYUD4, LEVELS.get(name, 0), marks=pytest.mark.slow)
            for name, encoder in LARGER
        ),
    ],
)
def test_a_network_trains_a_step_and_evaluates(
    network: str, encoder: str, given: tuple[str, str], levels: int
) -> None:
    """At 64x64 with two images: maps at the images' size, finite gradients everywhere."""
    host = built(network, encoder, given)
    make_global(host)
    main = {name: count for name, count in host.tasks.main if name != "semseg"}
    images = torch.rand(2, 3, 64, 64)
    output = host.train()(images)
    shapes = {name: tuple(map_BCHW.shape) for name, map_BCHW in output.tasks.items()}
    assert shapes == {name: (2, count, 64, 64) for name, count in main.items()}
    assert len(output.initial) == levels
    for scale in output.initial:
        found = {name: tuple(map_BCHW.shape) for name, map_BCHW in scale.items()}
        assert found == {name: (2, n, 64, 64) for name, n in host.tasks.initial.items()}
    maps = [output.logits_BKHW, *output.tasks.values()]
    maps += [map_BCHW for scale in output.initial for map_BCHW in scale.values()]
    torch.stack([map_BCHW.square().mean() for map_BCHW in maps]).sum().backward()
    for path, parameter in host.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
    evaluated = host.eval()(images)
    assert set(evaluated.tasks) == set(main)
    assert evaluated.initial == ()


@pytest.mark.parametrize("network", ["mtl_baseline", "pad_net", "mti_net"])
def test_without_the_segmentation_there_is_no_head_of_classes(network: str) -> None:
    host = built(network, "mobilenetv3_small_050", ("depth,normals", ""), classes=50)
    output = host(torch.rand(2, 3, 64, 64))
    assert output.logits_BKHW.shape == (2, 50, 64, 64)
    assert not output.logits_BKHW.any()
    assert 50 not in {weight.shape[0] for path, weight in host.named_parameters() if "head" in path}


def test_unmodulated_tasks_have_batch_norms_of_their_own_alone() -> None:
    host = built("astmt_unmodulated", "resnet26", ("depth,saliency", "")).eval()
    stage = host.network.get_submodule("backbone.stages.0.0")
    shared = {name for name, _ in stage.named_parameters() if "depth" not in name}
    assert {"convolutions.1.weight", "excite.shared.squeeze.weight"} <= shared
    assert {f"norms.{place}.saliency.weight" for place in range(3)} <= shared


@pytest.mark.parametrize(("network", "encoder"), LARGER)
def test_the_encoder_learns_at_its_own_rate(network: str, encoder: str) -> None:
    """``optim/head_lr`` multiplies the rate of the rest: heads, decoders, distillation."""
    with torch.device("meta"):
        host = built(network, encoder, NYUD4)
    path = {id(parameter): path for path, parameter in host.named_parameters()}
    slow, fast = parameter_groups(OptimConfig(head_lr=10.0), host)
    assert (slow["lr"], fast["lr"]) == pytest.approx((OptimConfig().lr, 10 * OptimConfig().lr))
    inside = {path[id(parameter)] for parameter in slow["params"]}  # type: ignore[attr-defined]
    assert sum("conv" in name for name in inside) > 15
    assert not any("head" in name or "distil" in name for name in inside)


def refused(changes: dict[str, str | bool]) -> str:
    with pytest.raises(ValueError, match="got") as raised:
        TrialConfig().changed({"data/targets": "edge,depth", **changes})
    return str(raised.value)


def test_what_no_network_would_train_is_refused() -> None:
    one = refused({"model/network": "pad_net"})
    assert one.startswith("task/tasks must be two or more with pad_net")
    name: TaskName = "edge"
    other = refused({"model/network": "mtl_baseline", "task/auxiliary": name})
    assert other.startswith("task/auxiliary must be '' with mtl_baseline: only pad_net and mti_net")
    both = {"model/network": "mti_net", "task/auxiliary": name, "model/auxiliary": False}
    assert refused(both).startswith("model/auxiliary must be true with task/auxiliary")


@pytest.mark.parametrize(
    ("network", "encoder", "words"),
    [
        ("mti_net", "vit_tiny_patch16_224", "one with features at strides 4, 8, 16 and 32"),
        ("pad_net", "mit_b0", "one of timm with pad_net"),
        ("astmt_modulated", "resnet18", "a ResNet of bottlenecks, such as resnet26"),
    ],
)
def test_an_encoder_that_does_not_fit_is_one_line(network: str, encoder: str, words: str) -> None:
    with pytest.raises(ValueError, match="model/encoder must be") as raised:
        built(network, encoder, NYUD2)
    assert words in str(raised.value)
