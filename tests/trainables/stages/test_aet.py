"""AET's network as printed: siamese, pooled over the tile, concatenated, one linear layer."""

import torch
from torch import nn

from trainables.stages.inverse_net.aet import AutoEncodingTransformationNet


def test_its_encoder_is_aets_network_in_network() -> None:
    """Four blocks of three convolutions; AET's 192 channels, 160 and 96 in the first block."""
    with torch.device("meta"):
        network = AutoEncodingTransformationNet()
    found = [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0])
        for layer in network.encoder
        if isinstance(layer, nn.Conv2d)
    ]
    assert found == [
        (1, 192, 5), (192, 160, 1), (160, 96, 1),
        (96, 192, 5), (192, 192, 1), (192, 192, 1),
        (192, 192, 3), (192, 192, 1), (192, 192, 1),
        (192, 192, 3), (192, 192, 1), (192, 192, 1),
    ]  # fmt: skip
    assert (network.head.in_features, network.head.out_features) == (2 * 192, 6)


def test_the_two_tiles_meet_only_after_each_was_pooled() -> None:
    """The output is linear in the two tiles' pooled vectors, the predicted one first."""
    torch.manual_seed(0)
    network = AutoEncodingTransformationNet(8, 8).eval()
    first, second = torch.rand(2, 5, 32, 32)
    vectors = [network.encoder(tile.unsqueeze(1)) for tile in (first, second)]
    assert vectors[0].shape == (5, 8)
    expected = torch.cat(vectors, dim=1) @ network.head.weight.T + network.head.bias
    torch.testing.assert_close(network(first, second), expected)


def test_it_takes_tiles_of_any_size() -> None:
    network = AutoEncodingTransformationNet(4)
    for tile in (8, 15, 32):
        assert network(torch.rand(2, tile, tile), torch.rand(2, tile, tile)).shape == (2, 6)
