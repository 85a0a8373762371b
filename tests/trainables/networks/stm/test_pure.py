"""The pure parts of STM: against the outputs of the public code, and closed forms."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.trainables import golden
from tests.trainables.golden import assert_equal_to_authors, needs_golden
from trainables.losses.hard_pixels import ohem_cross_entropy
from trainables.losses.jaccard import jaccard_metric_loss
from trainables.losses.term import LossTerm
from trainables.networks.padding import Padding
from trainables.networks.stm.aggregation import soft_aggregation
from trainables.networks.stm.memory import Memory, attention

ARRAYS = golden.load("stm")
CASES = golden.keys_of(ARRAYS, "/mem_key") or ["absent"]


def of(case: str, key: str) -> Tensor:
    return torch.from_numpy(ARRAYS[f"{case}/{key}"])


@needs_golden
@pytest.mark.parametrize("case", CASES)
def test_memory_is_read_as_the_authors_read_it(case: str) -> None:
    keys, values, query, own = (
        of(case, key) for key in ("mem_key", "mem_value", "query_key", "query_value")
    )
    weights = attention(keys, query)
    assert torch.allclose(weights, of(case, "attention"), rtol=0, atol=1e-12)
    assert torch.allclose(weights.sum(dim=1), torch.ones_like(weights[:, 0]))
    found = Memory(keys, values).read(query, own)
    assert torch.allclose(found, of(case, "out"), rtol=0, atol=1e-12)


@needs_golden
@pytest.mark.parametrize("case", CASES)
def test_objects_are_aggregated_as_the_authors_do(case: str) -> None:
    """They limit probabilities to [1e-7, 1 - 1e-7] and compute in float32, which cannot tell
    1 - 1e-7 from 1 - 1.2e-7: logits beyond 10 are compared with the formula in float64."""
    probabilities = of(case, "agg/ps").double()
    given = torch.logit(probabilities).clamp(-300, 300)
    found = soft_aggregation(given.unsqueeze(0))
    background = (1 - probabilities).prod(dim=0, keepdim=True)
    each = torch.cat((background, probabilities)).clamp(1e-7, 1 - 1e-7)
    limit = torch.logit(torch.tensor(1 - 1e-7, dtype=torch.float64)).item()
    assert torch.allclose(found[0].clamp(-limit, limit), torch.logit(each), rtol=1e-6)
    theirs = of(case, "agg/logit").double()[:, : len(each)]
    middle = theirs.abs() < 10
    assert middle.any()
    assert torch.allclose(found[middle], theirs[middle], rtol=1e-4, atol=1e-6)
    shares = of(case, "agg/softmax").double()[:, : len(each)]
    assert torch.allclose(found.softmax(dim=1), shares, rtol=0, atol=3e-7)  # unused: 1e-7 each


def test_a_lone_object_has_twice_the_logit_of_its_own_probability() -> None:
    logits = torch.linspace(-200, 200, 21).view(1, 1, 3, 7).requires_grad_()
    found = soft_aggregation(logits)
    odds = found[:, 1] - found[:, 0]
    inside = logits.detach()[:, 0].abs() < 80
    assert torch.allclose(odds[inside], 2 * logits[:, 0][inside], rtol=1e-5)
    found.square().sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_a_pixel_that_is_surely_wrong_has_its_full_gradient() -> None:
    """The cross-entropy of the wrong one of two classes falls by its logit's every step."""
    for sure in (-150.0, 20.0, 150.0):
        logits = torch.full((1, 1, 1, 1), sure, requires_grad=True)
        wrong = torch.tensor([[[int(sure < 0)]]])
        F.cross_entropy(soft_aggregation(logits), wrong).backward()
        assert logits.grad is not None
        assert logits.grad.abs().item() >= 1


@needs_golden
@pytest.mark.parametrize("case", CASES)
def test_frames_are_padded_as_the_authors_pad_them(case: str) -> None:
    rows, columns = of(case, "pad/in_size").tolist()
    padding = Padding.of(rows, columns, 16, centred=True)
    assert [*padding[:4]] == of(case, "pad/pad_array_lwuwlhuh").tolist()
    padded = padding.around(torch.ones(1, 1, rows, columns))
    assert [*padded.shape[-2:]] == of(case, "pad/out_size").tolist()


@pytest.mark.parametrize("centred", [True, False])
def test_what_is_padded_is_cut_again(centred: bool) -> None:
    for rows, columns in itertools.product((16, 17, 31), (15, 32)):
        maps = torch.rand(2, 3, rows, columns)
        padding = Padding.of(rows, columns, 16, centred)
        padded = padding.around(maps)
        assert all(side % 16 == 0 for side in padded.shape[-2:])
        assert torch.equal(padding.cut(padded), maps)
        if centred:
            assert padded.sum() == pytest.approx(maps.sum().item(), rel=1e-5)  # zeros


@needs_golden
@pytest.mark.parametrize("case", CASES)
def test_losses_of_public_training_code_are_losses_of_ours(case: str) -> None:
    """STM-Training's bootstrapped cross-entropy (the hardest 40 %) and mask IoU of the objects."""
    labels = golden.labels(ARRAYS[f"{case}/loss/mask"]).unsqueeze(0)

    def require_equal(key: str, leaf: Tensor, term: LossTerm) -> None:
        theirs = (ARRAYS[f"{case}/loss/{key}/{what}"] for what in ("loss", "grad"))
        assert_equal_to_authors(term.total / term.count, leaf, *theirs)

    leaf = golden.logits(ARRAYS[f"{case}/loss/logits"])
    hardest = ohem_cross_entropy(leaf, labels, threshold=1e-9, share=0.4)
    require_equal("ce_bootstrap0.4", leaf, hardest)
    leaf = golden.logits(ARRAYS[f"{case}/loss/logits"])
    require_equal("mask_iou", leaf, jaccard_metric_loss(leaf, labels, classes="foreground"))


def test_a_remembered_place_is_found_by_its_key() -> None:
    """One of three places has the key that is sought, so strongly that its value is read."""
    keys = torch.zeros(1, 4, 1, 1, 3)
    keys[0, :, 0, 0, 1] = 50.0
    values = torch.arange(3.0).view(1, 1, 1, 1, 3)
    found = Memory(keys, values).read(torch.ones(1, 4, 2, 1), torch.full((1, 1, 2, 1), 7.0))
    assert found.flatten().tolist() == pytest.approx([1, 1, 7, 7])
    both = Memory(keys, values).followed_by(Memory(keys, values + 2))
    assert both.keys_BCMhw.shape[2] == 2
    again = both.read(torch.ones(1, 4, 2, 1), torch.full((1, 1, 2, 1), 7.0))
    assert np.allclose(again.flatten().tolist(), [2, 2, 7, 7])
