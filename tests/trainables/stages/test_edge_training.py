"""SEMEDA's edge network: it finds edges in masks it never saw, and closes holes."""

import pytest
import torch
import torch.nn.functional as F

from trainables.config import TrialConfig
from trainables.data import DataError, Dataset, load
from trainables.geometry.boundaries import VOID, eight_neighbour_boundary
from trainables.stages.edge_net import training as edge_training
from trainables.stages.edge_net.network import EdgeNet
from trainables.stages.result import TrainedStage

CONFIG = TrialConfig().changed(
    {
        **{"data/height": 48, "data/width": 64},
        **{"data/train_images": 24, "data/val_images": 8, "data/test_images": 8},
        **{"edge_net/steps": 500, "edge_net/batch": 8},
    }
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load(CONFIG.data)


@pytest.fixture(scope="module")
def trained(data: Dataset) -> TrainedStage:
    torch.set_num_threads(1)
    return edge_training.train(CONFIG, data)


def test_edges_are_pixels_without_eight_neighbours_of_their_label() -> None:
    labels = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, VOID, 1], [2, 0, 0, 0]])
    expected = torch.zeros(4, 4, dtype=torch.bool)
    for row in range(4):
        for column in range(4):
            window = labels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            known = window[window != VOID]
            expected[row, column] = bool((known != labels[row, column]).any())
    expected &= labels != VOID
    assert (eight_neighbour_boundary(labels.unsqueeze(0))[0] == expected).all()


def test_it_finds_the_edges_of_masks_that_it_never_saw(
    data: Dataset, trained: TrainedStage
) -> None:
    labels = torch.from_numpy(data.splits["test"].labels_NHW).long()
    found = edge_training.measure(trained.network, labels, data.num_classes, CONFIG.edge_net)
    assert found["f_clean"] >= 0.99
    assert found["f_noisy"] >= 0.95
    assert trained.curve[-1] < trained.curve[0]


@pytest.mark.parametrize("layer", [0, 1])
def test_matching_its_embeddings_closes_a_hole(trained: TrainedStage, layer: int) -> None:
    """Gradient descent on Eq. 6 alone, written out here: L1 over channels, before the ReLU."""
    network = trained.network.requires_grad_(False)
    assert isinstance(network, EdgeNet)
    truth = torch.zeros(1, 24, 24, dtype=torch.long)
    truth[:, 4:20, 4:20] = 1
    holed = truth.clone()
    holed[:, 10:14, 10:14] = 0
    expected = network(F.one_hot(truth, 6).permute(0, 3, 1, 2).float())[layer]
    logits = (4 * F.one_hot(holed, 6).permute(0, 3, 1, 2).float()).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(150):
        loss = (network(logits.softmax(dim=1))[layer] - expected).abs().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (logits.argmax(dim=1) == truth).float().mean() == 1


def test_masks_without_an_edge_are_refused(data: Dataset) -> None:
    split = data.splits["train"]
    flat = type(split)(split.images_NHWC, split.labels_NHW * 0, split.names)
    empty = Dataset("flat", data.classes, data.colours, {"train": flat, "val": flat}, "d")
    with pytest.raises(DataError, match="dataset flat: no boundary in the train masks"):
        edge_training.train(CONFIG, empty)
