"""Maps that networks receive: behind the bands, moved with the image, normalised."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from trainables.config import DataConfig, TrialConfig, Value
from trainables.config.inputs import InputMap
from trainables.config.pixels import RGB, Pixels
from trainables.data import DataError, Dataset, _require_targets, load
from trainables.data.batch import Batch
from trainables.data.batches import Epoch, ready, stored, training_batches
from trainables.data.input_maps import input_map, known_1PC
from trainables.data.loader import Loaders
from trainables.data.pixel_statistics import BandStatistics
from trainables.data.samples import Layout
from trainables.data.worker_processes import Trained
from trainables.networks.standardise import Standardise, pixels_of

BOTH = DataConfig(
    height=32,
    width=48,
    train_images=5,
    val_images=2,
    test_images=2,
    targets="edge",
    inputs="depth,normals",
)
TARGETS = replace(BOTH, targets="edge,depth,normals", inputs="")
EPOCH = Epoch(batch=4, seed=3, epoch=1, rank=0, ranks=1)
CPU = torch.device("cpu")


def test_they_follow_the_image_and_are_no_targets() -> None:
    data = load(BOTH)
    batch = ready(stored(data.splits["val"], [0, 1]), data.inputs)
    assert batch.images_BCHW.shape == (2, 7, 32, 48)
    assert list(batch.targets) == ["edge"]
    split = data.splits["val"]
    depth, normals = (np.stack([split.targets[x][row] for row in (0, 1)]) for x in data.inputs)
    assert np.array_equal(batch.images_BCHW[:, 3], depth)
    assert np.array_equal(batch.images_BCHW[:, 4:].permute(0, 2, 3, 1), normals)
    image = torch.from_numpy(np.stack([split.images_NHWC[row] for row in (0, 1)])) / 255
    assert torch.equal(batch.images_BCHW[:, :3].permute(0, 2, 3, 1), image)


def _first_batch(config: DataConfig, moves: dict[str, Any]) -> Batch:
    train = load(config).splits["train"]
    return next(iter(training_batches(train, replace(config, **moves), **vars(EPOCH))))


@pytest.mark.parametrize(
    "moves",
    [
        {},
        {"scale_min": 0.7, "scale_max": 1.5, "crop_height": 24, "crop_width": 40},
        {"rotate": 15.0, "flip_vertical": True},
        {"moves": "released", "scale_max": 1.5},
    ],
)
def test_they_move_as_the_same_maps_do_as_targets(moves: dict[str, Any]) -> None:
    """Which tests/trainables/data/test_target_kinds.py checks against their geometry."""
    with_inputs, with_targets = (_first_batch(config, moves) for config in (BOTH, TARGETS))
    assert torch.equal(with_inputs.images_BCHW[:, :3], with_targets.images_BCHW)
    assert torch.equal(with_inputs.images_BCHW[:, 3], with_targets.targets["depth"])
    assert torch.equal(with_inputs.images_BCHW[:, 4:], with_targets.targets["normals"])


def test_every_loader_makes_the_same_batch() -> None:
    data, config = load(BOTH), replace(BOTH, scale_max=1.5, crop_height=24, crop_width=40)
    train = data.splits["train"]
    share = EPOCH.shares(len(train))[0]
    job = Trained(share, config, EPOCH.draws(share), data.pixels)
    usual = next(training_batches(train, config, **vars(EPOCH), pixels=data.pixels))
    assert torch.equal(ready(job.made(train), train.inputs).images_BCHW, usual.images_BCHW)
    loader = Loaders(CPU).of(data, config, 4)
    assert torch.equal(next(iter(loader.training(train, config, EPOCH))).images_BCHW, usual[0])
    _, batch = next(loader.evaluation(data.splits["val"], batch=2, rank=0, ranks=1))
    assert batch.images_BCHW.shape[1] == 7


def test_cells_that_differ_in_them_share_what_is_decoded() -> None:
    assert BOTH.unaugmented() == TARGETS.unaugmented()
    data = load(TARGETS)
    seen = data.for_inputs(("depth",))
    assert (data.seen.bands, seen.seen.bands) == (3, 4)
    assert seen.splits["train"].targets["depth"] is data.splits["train"].targets["depth"]
    assert seen.for_inputs(()).seen == data.seen == RGB


def test_a_fold_normalises_by_its_own_training_images() -> None:
    data = load(DataConfig(folds=3, fold=1, height=24, width=32, targets="depth", inputs="depth"))
    folds = [data.for_fold(fold) for fold in (1, 2)]
    assert [fold.splits["train"].inputs for fold in folds] == [("depth",)] * 2
    for fold in folds:
        (mean,) = fold.seen.inputs[0].mean
        assert mean == pytest.approx(_mean_metres(fold), rel=0.01)
    assert folds[0].seen.inputs != folds[1].seen.inputs


def _mean_metres(data: Dataset) -> float:
    """Of the depths above 0, of maps that were resized."""
    return float(np.concatenate([x[x > 0] for x in data.splits["train"].targets["depth"]]).mean())


def test_statistics_are_of_the_pixels_that_have_a_value() -> None:
    found = BandStatistics()
    for depth in ([[0, 2.0], [4.0, 0]], [[0, 0], [0, 0]], [[6.0, 0], [0, 0]]):
        found.add_known(known_1PC("depth", np.array(depth, np.float32)))
    assert found.pixels == 3
    assert found.mean_C == pytest.approx([4.0])
    assert found.std_C == pytest.approx([np.sqrt(8 / 3)])
    normals = np.zeros((1, 2, 3), np.float32)
    normals[0, 1] = 0, 0, 1
    assert known_1PC("normals", normals).tolist() == [[[0, 0, 1]]]


DEPTH = InputMap("depth", (2.0,), (0.5,))
NORMALS = InputMap("normals", (0.1, 0.2, 0.3), (0.5, 1.0, 2.0))


def test_a_missing_value_is_the_mean() -> None:
    pixels = Pixels(7, inputs=(DEPTH, NORMALS))
    images = torch.rand(1, 7, 1, 2)
    images[0, 3, 0] = torch.tensor([0.0, 3.0])
    images[0, 4:, 0] = torch.tensor([[0.0, 1], [0, 0], [0, 0]])
    shown = Standardise(pixels)(images)
    assert torch.equal(shown[:, :3], images[:, :3])
    assert shown[0, 3, 0].tolist() == [0, 2]
    assert shown[0, 4:, 0, 0].tolist() == [0, 0, 0]
    assert shown[0, 4:, 0, 1].tolist() == pytest.approx([1.8, -0.2, -0.15])


def test_an_input_that_is_constant_tells_nothing_and_breaks_nothing() -> None:
    """A depth of two metres everywhere: no std divides it."""
    found = BandStatistics()
    found.add_known(known_1PC("depth", np.full((3, 4), 2, np.float32)))
    how = input_map("depth", found.mean_C, found.std_C)
    assert how == InputMap("depth", (2.0,), (1.0,))
    shown = Standardise(Pixels(4, inputs=(how,)))(torch.full((1, 4, 3, 4), 2.0))
    assert torch.equal(shown[:, 3], torch.zeros(1, 3, 4))


@pytest.mark.parametrize(
    "pixels",
    [
        Pixels(4, inputs=(DEPTH,)),
        Pixels(7, inputs=(DEPTH, NORMALS)),
        Pixels(5, 16, (0.5, 0.25), (1.0, 2.0), (1.0, 1.0), (NORMALS,)),
    ],
)
def test_weights_say_what_the_network_receives(pixels: Pixels) -> None:
    state = Standardise(pixels).get_extra_state()
    found = pixels_of({"standardise._extra_state": state})
    assert replace(found, span=pixels.span) == pixels
    other = replace(pixels, inputs=(*pixels.inputs[:-1], NORMALS._replace(std=(9.0, 1.0, 1.0))))
    if len(pixels.inputs[-1].std) == 3:
        with pytest.raises(ValueError, match="normalises its images otherwise"):
            Standardise(other).set_extra_state(state)
    with pytest.raises(ValueError, match="normalises its images otherwise"):
        Standardise(Pixels(pixels.bands, mean=(0.5,) * pixels.bands)).set_extra_state(state)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"data/inputs": "hha"}, "data/inputs must be '' or some of depth,normals, in this order"),
        ({"data/inputs": "normals,depth"}, "data/inputs must be '' or some of depth,normals, in"),
        (
            {"data/inputs": "depth", "data/targets": "depth", "task/tasks": "semseg,depth"},
            "task/tasks must be without depth, which data/inputs shows to the network, got",
        ),
        (
            {
                "data/inputs": "normals",
                "data/targets": "edge,normals",
                "model/network": "mti_net",
                "task/tasks": "semseg,edge",
                "task/auxiliary": "normals",
            },
            "task/auxiliary must be without normals, which data/inputs shows to the network",
        ),
        ({"data/inputs": "depth", "data/loader": "device"}, "threads or workers with data/inputs"),
        ({"data/inputs": "depth", "data/elastic": 2.0}, "0 with depth or normals in data/inputs"),
    ],
)
def test_what_cannot_be_is_refused(changes: Mapping[str, Value], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        TrialConfig().changed(changes)


def test_data_without_the_map_are_refused() -> None:
    found = Layout("mine", ("a", "b"), ((0, 0, 0), (9, 9, 9)), {}, targets=("edge", "normals"))
    with pytest.raises(
        DataError, match="data/inputs must be, for mine: '' or some of normals; got"
    ):
        _require_targets(found, BOTH)
    photographs = replace(found, targets=())
    # A plan adds the inputs of its cells to the targets.
    with pytest.raises(DataError, match="data/inputs must be, for mine: '', it has labels only"):
        _require_targets(photographs, replace(BOTH, targets="depth,normals"))
    data = load(TARGETS)
    unknown = replace(data, pixels=replace(data.pixels, maps=()))
    with pytest.raises(ValueError, match="without depth, of which no training image has a value"):
        unknown.for_inputs(("depth",))
