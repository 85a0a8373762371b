"""Tests that the code in README.md and use_the_loss.md runs as it is printed."""

from pathlib import Path
from typing import cast

import pytest
import torch

from trainables import saved
from trainables.config import TrialConfig
from trainables.losses import (
    active_boundary,
    affinity_regression,
    full_divergence,
    generalised_dice,
    kervadec,
    lovasz,
)
from trainables.losses.term import LossTerm
from trainables.networks.segmentation import Segmenter

_DOCS = Path(__file__).parent
_README, _PAGE = _DOCS.parent / "README.md", _DOCS / "use_the_loss.md"


def code(page: Path, first: str) -> str:
    """The indented block of a page that begins with this line; empty lines belong to it."""
    lines = page.read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line == f"    {first}")
    block = []
    for line in lines[begin:]:
        if line and not line.startswith("    "):
            break
        block.append(line.removeprefix("    "))
    return "\n".join(block)


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (2, 8, 8), generator=generator)
    labels[:, 0] = 255
    logits = torch.randn(2, 3, 8, 8, generator=generator, requires_grad=True)
    return {"logits": logits, "labels": labels}


@pytest.mark.parametrize("page", [_README, _PAGE])
def test_the_loss_of_a_script_runs(page: Path) -> None:
    scope: dict[str, object] = dict(batch())
    exec(code(page, "import torch.nn.functional as F"), scope)
    loss, logits = cast(torch.Tensor, scope["loss"]), cast(torch.Tensor, scope["logits"])
    if page == _README:
        loss.backward()  # type: ignore[no-untyped-call]
    assert loss > 0
    assert logits.grad is not None
    assert logits.grad[:, :, 0].abs().max() == 0  # void


def test_each_loss_of_the_table_takes_logits_and_labels() -> None:
    text, given = _PAGE.read_text(), batch()
    for function in (
        lovasz.lovasz_softmax,
        active_boundary.active_boundary,
        full_divergence.full_divergence,
        generalised_dice.generalised_dice,
        kervadec.boundary_loss,
        affinity_regression.affinity_regression,
    ):
        module = function.__module__.rsplit(".", 1)[1]
        assert f"`{module}.{function.__name__}(logits, labels" in text
        term: LossTerm = function(given["logits"], given["labels"])
        assert term.value().isfinite()


@pytest.mark.parametrize(
    ("page", "first"),
    [(_README, "from pathlib import Path"), (_PAGE, "from pathlib import Path")],
)
def test_a_saved_model_gives_network_and_loss(
    page: Path, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config, classes = TrialConfig().changed({"loss/lovasz": 1.0}), ["a", "b", "c"]
    network = Segmenter(config.model, len(classes), boundary_head=False)
    buffer = tmp_path / "state.pt"
    torch.save({"network": network.state_dict()}, buffer)
    saved.save(Path("runs/NAME/model"), config, classes, buffer.read_bytes())

    scope: dict[str, object] = {**batch(), "boundary_logits": None}
    scope["images_B3HW"] = torch.rand(2, 3, 32, 32)
    exec(code(page, first), scope)
    if page == _PAGE:
        assert set(cast(dict[str, torch.Tensor], scope["shares"])) == {"cross_entropy", "lovasz"}
    else:
        assert cast(torch.Tensor, scope["labels_BHW"]).shape == (2, 32, 32)
