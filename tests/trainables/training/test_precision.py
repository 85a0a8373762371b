"""Whatever the network's precision, losses and the networks inside them compute in fp32."""

import pytest
import torch
from torch import Tensor, nn

from tests.trainables.training.test_training import CPU, config, dataset
from trainables.config import OptimConfig
from trainables.losses.term import LossTerm
from trainables.networks.segmentation import SegmenterOutput
from trainables.stages import registry
from trainables.training import batch_terms
from trainables.training.forward import forward
from trainables.training.training import Training

PRECISIONS = ("fp32", "bf16", "fp16")
LOWER = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class EveryOutput(nn.Module):
    """Logits, a boundary map and two auxiliary heads from one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 2, 1)
        self.computed: list[torch.dtype] = []

    def forward(self, images_BCHW: Tensor, with_boundary: bool) -> SegmenterOutput:
        logits_BKHW = self.convolution(images_BCHW)
        self.computed.append(logits_BKHW.dtype)
        return SegmenterOutput(logits_BKHW, logits_BKHW[:, 0], (logits_BKHW, logits_BKHW))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_output_of_a_network_leaves_it_in_fp32(precision: str) -> None:
    network = EveryOutput()
    optim = OptimConfig(precision=precision)  # type: ignore[arg-type]
    output = forward(network, torch.rand(1, 3, 4, 4), optim, CPU)
    assert network.computed == [LOWER[precision]]
    assert output.boundary_logits_BHW is not None
    maps = (output.logits_BKHW, output.boundary_logits_BHW, *output.auxiliary_BKHW)
    assert {map_.dtype for map_ in maps} == {torch.float32}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_losses_and_their_networks_compute_in_fp32(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: dict[str, float | str] = {"loss/lambda_1": 1.0, "loss/w_a": 1.0, "loss/ar": 1.0}
    trial = config(**losses, **{"optim/precision": precision})
    stages, seen = registry.untrained(trial, 6), set[torch.dtype]()
    inside = [stage for stage in stages if isinstance(stage, nn.Module)]
    assert len(inside) == 2, "InverseForm's network and SEMEDA's"
    for layer in (layer for stage in inside for layer in stage.modules()):
        layer.register_forward_hook(lambda _layer, _given, found: note(found))

    def note(found: object) -> None:
        seen.update({found.dtype} if isinstance(found, Tensor) else ())

    usual, totals = batch_terms.loss_terms, set[torch.dtype]()

    def observed(*given: object, **options: object) -> dict[str, LossTerm]:
        assert not torch.is_autocast_enabled("cpu")
        terms: dict[str, LossTerm] = usual(*given, **options)  # type: ignore[arg-type]
        totals.update(term.total.dtype for term in terms.values())
        return terms

    monkeypatch.setattr(batch_terms, "loss_terms", observed)
    history = Training(trial, dataset(trial), stages, CPU).train_epoch()
    assert isinstance(history, dict)
    assert seen == totals == {torch.float32}
