"""Heads of further tasks on the features of any network."""

import pytest
import torch

from trainables.config import ModelConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.config.tasks import NetworkTasks, TaskConfig
from trainables.networks.catalog import NETWORKS
from trainables.networks.network import Network, Output
from trainables.networks.segmentation import Segmenter

IMAGES_B3HW = torch.rand(2, 3, 18, 22, generator=torch.Generator().manual_seed(0))


def of(tasks: str) -> NetworkTasks | None:
    return TaskConfig(tasks=tasks).of_network(3, num_parts=4)


def network(tasks: str, **model: object) -> Segmenter:
    torch.manual_seed(0)
    config = ModelConfig(width=4, **model)  # type: ignore[arg-type]
    return Segmenter(config, 3, boundary_head=True, tasks=of(tasks))


def test_every_task_has_a_map_at_the_size_of_the_image() -> None:
    every = "semseg,edge,depth,normals,saliency,parts"
    channels = {"edge": 1, "depth": 1, "normals": 3, "saliency": 1, "parts": 4}
    trained = network(every)
    for mode in (True, False):
        output = trained.train(mode)(IMAGES_B3HW)
        assert output.logits_BKHW.shape == (2, 3, 18, 22)
        shapes = {name: tuple(map_BCHW.shape) for name, map_BCHW in output.tasks.items()}
        assert shapes == {name: (2, count, 18, 22) for name, count in channels.items()}


@pytest.mark.parametrize("joined", [False, True])
def test_the_edge_head_is_the_boundary_head(joined: bool) -> None:
    built = network("semseg,edge", boundary_input=joined)
    output = built(IMAGES_B3HW)
    assert built.boundary_head is None
    assert output.boundary_logits_BHW is not None
    assert torch.equal(output.boundary_logits_BHW, output.tasks["edge"][:, 0])
    assert built.eval()(IMAGES_B3HW).boundary_logits_BHW is None


def test_without_the_segmentation_there_is_no_head_of_classes() -> None:
    built = network("edge,depth")
    output = built(IMAGES_B3HW)
    assert not output.logits_BKHW.any()
    assert not output.logits_BKHW.requires_grad
    assert not [name for name, _ in built.named_parameters() if "classifier" in name]
    torch.stack([map_BCHW.sum() for map_BCHW in output.tasks.values()]).sum().backward()
    assert all(weight.grad is not None for weight in built.parameters())


def test_segmentation_alone_is_built_as_before() -> None:
    assert of("semseg") is None
    assert not network("semseg").heads
    assert not network("semseg")(IMAGES_B3HW).tasks


def test_a_network_whose_features_need_classes_is_refused_without_them() -> None:
    line = "model/network hrnet_w48_ocr must be one whose features do not depend on class logits"
    with pytest.raises(ValueError, match=line), torch.device("meta"):
        network("depth", network="hrnet_w48_ocr")


class Own(Network):
    """A plug-in's network with a head of its own for the depth."""

    out_channels, multiple = 4, 1

    def __init__(self, num_classes: int, tasks: NetworkTasks | None, maps: int) -> None:
        super().__init__()
        self.features = torch.nn.Conv2d(3, 4, 1)
        self.classifier = torch.nn.Conv2d(4, num_classes, 1)
        self.depth, self.tasks = torch.nn.Conv2d(4, maps, 1), frozenset({"depth"})

    def forward(self, images_B3HW: torch.Tensor) -> Output:
        x_BDHW = self.features(images_B3HW)
        return Output(self.classifier(x_BDHW), x_BDHW, tasks={"depth": self.depth(x_BDHW)})


@pytest.mark.parametrize("maps", [1, 2])
def test_a_plug_in_s_network_may_have_heads_of_its_own(
    monkeypatch: pytest.MonkeyPatch, maps: int
) -> None:
    def build(config: ModelConfig, num_classes: int, tasks: NetworkTasks | None = None) -> Own:
        return Own(num_classes, tasks, maps)

    monkeypatch.setitem(NETWORKS, "own", build)
    monkeypatch.setattr(PLUGIN, "networks", ["own"])
    config = ModelConfig(network="own")  # type: ignore[arg-type]
    built = Segmenter(config, 3, boundary_head=False, tasks=of("semseg,edge,depth"))
    assert [*built.heads] == ["edge"]
    if maps == 1:
        assert built(IMAGES_B3HW).tasks.keys() == {"edge", "depth"}
        return
    with pytest.raises(ValueError, match=r"own must be a module whose tasks\['depth'\] is float"):
        built(IMAGES_B3HW)


def test_the_classes_of_a_plain_module_count_for_nothing_without_the_segmentation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.Conv2d(4, 3, 1))
    monkeypatch.setitem(NETWORKS, "own", lambda config, num_classes: module)
    monkeypatch.setattr(PLUGIN, "networks", ["own"])
    config = ModelConfig(network="own", features="0")  # type: ignore[arg-type]
    output = Segmenter(config, 3, boundary_head=False, tasks=of("depth"))(IMAGES_B3HW)
    assert not output.logits_BKHW.any()
    assert output.tasks["depth"].any()
