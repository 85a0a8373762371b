"""Stages of the edge task: they are trained on the edge maps, and named by it."""

from pathlib import Path

import pytest
import torch

from tests.trainables.stages.conftest import QUICK
from trainables.config import TrialConfig
from trainables.data import Dataset, load
from trainables.geometry.boundaries import VOID
from trainables.stages import masks, registry
from trainables.stages.edge_net import training as edge_training
from trainables.stages.inverse_net import training as inverse_training

EDGES = QUICK.changed(
    {
        "data/targets": "edge",
        "task/tasks": "semseg,edge",
        "edge_net/steps": 2,
        "data/train_images": 4,
        "data/val_images": 2,
    }
)
ON_EDGES = EDGES.changed({"task/boundary_on": "edge", "loss/lambda_2": 1.0})
LABELS = EDGES.changed({"task/tasks": "semseg"})


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load(EDGES.data)


def test_inverse_forms_tiles_are_the_lines_of_the_edge_maps(data: Dataset) -> None:
    """Which are thinner than the boundaries of the labels, and lie elsewhere."""
    source = inverse_training.tiles_of(EDGES, masks.of_boundaries(EDGES, data), "train")
    edges_NHW = torch.from_numpy(data.splits["train"].targets["edge"])
    assert len(source.places) == int((edges_NHW == 1).sum())
    assert bool((edges_NHW == VOID).any()), "the void rim, which is no edge"
    plain = inverse_training.tiles_of(LABELS, masks.of_boundaries(LABELS, data), "train")
    assert len(plain.places) != len(source.places)


def test_semedas_net_knows_two_classes_where_it_sees_the_edges(
    data: Dataset, tmp_path: Path
) -> None:
    registry.ensure("edge_net", ON_EDGES, data, tmp_path)
    learned = registry.load_learned(
        ON_EDGES.changed({"loss/gamma": 0.0}), data.digest, tmp_path
    ).edge_net
    assert isinstance(learned, torch.nn.Module)
    weights = learned.state_dict()
    fresh = edge_training.build(ON_EDGES, 2).state_dict()
    assert {k: v.shape for k, v in weights.items()} == {k: v.shape for k, v in fresh.items()}
    untrained = registry.untrained(ON_EDGES, data.num_classes).edge_net
    assert isinstance(untrained, torch.nn.Module)
    assert untrained.state_dict().keys() == weights.keys()


def test_a_stage_of_edge_maps_has_a_key_of_its_own(data: Dataset) -> None:
    def key(kind: str, config: TrialConfig) -> str:
        return registry.stage_key(kind, config, data.digest)

    assert key("inverse_net", EDGES) != key("inverse_net", LABELS)
    assert key("inverse_net", EDGES) == key("inverse_net", ON_EDGES)
    assert key("edge_net", EDGES) == key("edge_net", LABELS) != key("edge_net", ON_EDGES)


def test_a_stage_needs_an_edge_in_the_maps(data: Dataset) -> None:
    for split, images in data.splits.items():
        images.targets["edge"][:] = 0 if split == "train" else images.targets["edge"]
    registry.check("edge_net", EDGES.changed({"loss/lambda_2": 1.0}), data)
    with pytest.raises(ValueError, match="no boundary in the train masks"):
        registry.check("inverse_net", EDGES, data)
