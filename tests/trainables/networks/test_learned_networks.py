"""The networks inside the learned losses: shapes, fixed points and bounds."""

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from trainables.geometry import homography
from trainables.stages.edge_net.network import EdgeNet
from trainables.stages.inverse_net.aet_dense import MeetingMapsNet
from trainables.stages.inverse_net.cells import blur_matrix
from trainables.stages.inverse_net.dense import BlurredDenseNet
from trainables.stages.inverse_net.spatial_transformer import SpatialTransformer
from trainables.stages.inverse_net.unexplained import WithUnexplained


@pytest.mark.parametrize("tile", [8, 15, 32, 224])
@pytest.mark.parametrize("coefficients", [6, 8])
def test_any_tile_size_gives_the_coefficients(tile: int, coefficients: int) -> None:
    tiles = torch.rand(3, tile, tile)
    for network in (
        BlurredDenseNet(tile, 16, coefficients),
        MeetingMapsNet(tile, coefficients),
    ):
        assert network(tiles, tiles.flip(0)).shape == (3, coefficients)


@pytest.mark.parametrize("network", [BlurredDenseNet(16, 32), MeetingMapsNet(16)])
def test_a_perfect_prediction_is_the_identity_whatever_the_weights(network: nn.Module) -> None:
    tiles = (torch.rand(20, 16, 16) > 0.8).float()
    assert network(tiles, tiles).abs().max() < 1e-5
    assert network(tiles.flip(0), tiles).abs().max() > 1e-3


class Constant(nn.Module):
    """A regressor with the same output for every pair."""

    def __init__(self, theta: Tensor) -> None:
        super().__init__()
        self.found = homography.normalise(theta, 6)

    def forward(self, predicted: Tensor, true: Tensor) -> Tensor:
        return self.found.expand(len(predicted), 6)


def test_nothing_is_left_unexplained_where_the_transformation_is_right() -> None:
    """The tile is moved by three columns: all are known except the three that moved in."""
    context = (torch.rand(5, 16, 19, generator=Generator().manual_seed(0)) > 0.7).float()
    true, moved = context[:, :, :16], context[:, :, 3:]
    right = homography.shift(torch.tensor([3 * 2 / 16]), torch.tensor([0.0]))
    explained = WithUnexplained(Constant(right), 16, 16)(moved, true)
    # What is blurred into the known columns from beyond them is zero on both sides.
    assert explained[:, 6].max() < 1e-4
    torch.testing.assert_close(explained[:, :6], Constant(right)(moved, true))
    unexplained = WithUnexplained(Constant(torch.eye(3).unsqueeze(0)), 16, 16)(moved, true)
    assert unexplained[:, 6].min() > 1


def test_a_blank_prediction_is_left_almost_completely_unexplained() -> None:
    """The rest is the true tile's energy, divided by that energy plus one line's."""
    true = (torch.rand(4, 16, 16, generator=Generator().manual_seed(0)) > 0.7).float()
    network = WithUnexplained(Constant(torch.eye(3).unsqueeze(0)), 16, 16)
    found = network(torch.zeros_like(true), true)
    blur = blur_matrix(16, 8)
    energy = (blur @ true @ blur.T).square().sum(dim=(1, 2))
    torch.testing.assert_close(found[:, 6], network.weight * (energy / (energy + 8)).sqrt())


@pytest.mark.parametrize("coefficients", [6, 8])
def test_the_unexplained_rest_can_be_differentiated(coefficients: int) -> None:
    torch.manual_seed(0)
    network = WithUnexplained(BlurredDenseNet(8, 4, coefficients), 8).double()
    true = (torch.rand(2, 8, 8) > 0.7).double()
    predicted = torch.rand(2, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda tiles: network(tiles, true), predicted)


def test_the_blur_preserves_the_weight_of_a_line() -> None:
    """A line has the same sum over cells wherever in the tile it lies."""
    blur = blur_matrix(32, 16)
    sums = blur.sum(dim=0)[6:26]
    torch.testing.assert_close(sums, sums.mean().expand(20), rtol=0.01, atol=0)


def test_the_edge_net_is_three_3x3_convolutions_given_before_activation() -> None:
    network = EdgeNet(5)
    predicted_BKHW = torch.rand(2, 5, 9, 7)
    first, second, third = network(predicted_BKHW)
    assert [e.shape[1] for e in (first, second, third)] == [16, 32, 2]
    weights = [parameter for parameter in network.parameters() if parameter.dim() == 4]
    assert [tuple(w.shape[2:]) for w in weights] == [(3, 3)] * 3
    biases = [parameter for parameter in network.parameters() if parameter.dim() == 1]
    padded = F.pad(first.relu(), (1, 1, 1, 1), mode="replicate")
    torch.testing.assert_close(second, F.conv2d(padded, weights[1], biases[1]))


def test_the_end_of_the_image_is_no_edge() -> None:
    predicted_BKHW = F.one_hot(torch.full((1, 6, 8), 2), 4).permute(0, 3, 1, 2).float()
    for embedding in EdgeNet(4)(predicted_BKHW):
        assert (embedding.amax(dim=(2, 3)) - embedding.amin(dim=(2, 3))).max() < 1e-5


@pytest.mark.parametrize("coefficients", [6, 8])
def test_the_spatial_transformer_stays_within_the_bounds_and_can_be_trained(
    coefficients: int,
) -> None:
    transformer = SpatialTransformer(coefficients)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.mul_(100)  # as far as training could push it
    theta = transformer(torch.rand(500, 16, 16), Generator().manual_seed(0))
    widest = homography.from_freedom(torch.ones(1, homography.freedom(coefficients)))
    assert theta.isfinite().all()
    assert (theta[:, :2, 2].abs() <= 1.7 * 0.4 + 0.15 * 2).all()
    assert theta.shape[1:] == widest.shape[1:]
    theta.sum().backward()
    assert all(parameter.grad is not None for parameter in transformer.parameters())
