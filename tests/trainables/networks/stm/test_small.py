"""Our small STM: keys of the frame alone, compared by their distance."""

import torch

from tests.trainables.networks.stm.test_stm import small
from trainables.networks.stm.memory import Memory, attention
from trainables.networks.stm.network import STM
from trainables.networks.stm.small import compared, remembered


def test_attention_is_the_softmax_of_squared_distances() -> None:
    torch.manual_seed(0)
    keys_BChw, query_BChw = (torch.randn(2, 5, 3, 4, dtype=torch.float64) for _ in range(2))
    weights_BNP = attention(remembered(keys_BChw).unsqueeze(2), compared(query_BChw))

    apart_BNPC = keys_BChw.flatten(2).mT.unsqueeze(2) - query_BChw.flatten(2).mT.unsqueeze(1)
    expected_BNP = (-apart_BNPC.square().sum(-1) / 6**0.5).softmax(dim=1)  # C + 1 numbers a key
    assert torch.allclose(weights_BNP, expected_BNP, atol=1e-12)


def test_a_place_finds_what_looks_like_it_before_any_training() -> None:
    """A red square on blue, which has moved by two places: without training, what is read of the
    first frame's mask lies on the object. Published STM, whose two encoders have weights of their
    own, must learn that."""
    network = small().network
    assert isinstance(network, STM)
    first, later = (_square(column) for column in (16, 48))
    with torch.no_grad():
        keys_BCMhw = network.memorise(first, first[:, 0]).keys_BCMhw
        key_BChw, _ = network._query(network.query_encoder(later)[-1])
        mask_B1hw = torch.nn.functional.avg_pool2d(first[:, :1], 8)
        found_B2hw = Memory(keys_BCMhw, mask_B1hw.unsqueeze(2)).read(key_BChw, mask_B1hw)
    inside_hw = torch.nn.functional.avg_pool2d(later[:, :1], 8)[0, 0] == 1
    found_hw = found_B2hw[0, 0]
    by_chance = mask_B1hw.mean()  # what attention that knows nothing reads everywhere
    assert found_hw[inside_hw].mean() > 3 * by_chance
    assert found_hw[~inside_hw].mean() < by_chance


def _square(column: int) -> torch.Tensor:
    """(1,3,96,96): 32 pixels wide."""
    image_13HW = torch.zeros(1, 3, 96, 96)
    image_13HW[:, 2] = 1
    image_13HW[:, 0, 32:64, column : column + 32] = 1
    image_13HW[:, 2, 32:64, column : column + 32] = 0
    return image_13HW
