"""Maps of every task of new images, and the network that they come from, saved and loaded."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from trainables import saved
from trainables.config import TrialConfig, Value
from trainables.config.tasks import TaskName
from trainables.data.task_files import png
from trainables.data.units import in_units
from trainables.networks.segmentation import Segmenter
from trainables.training.prediction import Predictor
from trainables.training.state import pack

CPU = torch.device("cpu")
ALL: dict[str, Value] = {
    "model/width": 4,
    "data/targets": "edge,depth,normals,saliency,parts",
    "task/tasks": "semseg,edge,depth,normals,saliency,parts",
}
IMAGES = [np.random.default_rng(0).integers(0, 256, (20, 28, 3), dtype=np.uint8)]


def trained(changes: dict[str, Value]) -> tuple[Segmenter, TrialConfig]:
    torch.manual_seed(0)
    config = TrialConfig().changed(ALL | changes)
    network = Segmenter(config.model, 3, False, tasks=config.task.of_network(3, num_parts=4))
    return network.eval(), config


@pytest.mark.parametrize("flip", [False, True])
def test_maps_are_what_the_heads_say(flip: bool) -> None:
    network, config = trained({"eval/flip": flip})
    (found,) = Predictor(network, config, CPU).predictions(IMAGES)
    images_1CHW = in_units(torch.from_numpy(np.stack(IMAGES)).permute(0, 3, 1, 2))
    with torch.no_grad():
        one, other = (network(x) for x in (images_1CHW, images_1CHW.flip(3)))
    pairs: list[tuple[TaskName, Callable[[Tensor], Tensor]]]
    pairs = [("edge", torch.sigmoid), ("depth", torch.relu)]
    for task, values in pairs:
        expected = values(one.tasks[task])
        if flip:
            expected = (expected + values(other.tasks[task]).flip(3)) / 2
        np.testing.assert_allclose(found.tasks[task], np.asarray(expected[0]), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found.tasks["normals"], axis=0), 1, atol=1e-5)
    assert found.tasks["parts"].shape == (4, 20, 28)


def test_maps_have_the_size_of_the_image() -> None:
    network, config = trained({"data/height": 16, "data/width": 16})
    (found,) = Predictor(network, config, CPU).predictions(IMAGES)
    assert found.labels_HW.shape == (20, 28)
    assert {map_CHW.shape[1:] for map_CHW in found.tasks.values()} == {(20, 28)}
    np.testing.assert_allclose(np.linalg.norm(found.tasks["normals"], axis=0), 1, atol=1e-5)


def test_there_are_no_label_maps_of_a_network_that_does_not_segment() -> None:
    network, config = trained({"task/tasks": "edge,depth"})
    with pytest.raises(ValueError, match="task/tasks must be with semseg for label maps"):
        Predictor(network, config, CPU).label_maps(IMAGES)


def test_a_network_comes_back_with_all_its_tasks() -> None:
    network, config = trained({})
    state = pack({"epoch": 1, "network": network.state_dict()})
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        before, after = network(images), saved.from_state(config, 3, state)(images)
    assert torch.equal(after.logits_BKHW, before.logits_BKHW)
    assert all(torch.equal(after.tasks[task], before.tasks[task]) for task in before.tasks)
    other = replace(config, task=replace(config.task, tasks="semseg,edge,depth,normals,saliency"))
    with pytest.raises(ValueError, match="predicts other tasks"):
        saved.from_state(other, 3, state)


def test_files_have_the_usual_numbers() -> None:
    def stored(task: str, *values: float) -> list[object]:
        map_CHW = np.array(values, np.float32).reshape(-1, 1, 1)
        with Image.open(io.BytesIO(png(task, map_CHW))) as image:  # type: ignore[arg-type]
            return list(np.asarray(image).ravel())

    assert stored("depth", 1.2346) == [1235]
    assert stored("depth", 70.0) == [65535]
    assert stored("edge", 0.5) == [128]
    assert stored("saliency", 1.0) == [255]
    assert stored("normals", -1.0, 0.0, 1.0) == [0, 128, 255]
    assert stored("parts", 0.1, 0.2, 0.7) == [2]
