"""Tests that the code in README.md and use_the_loss.md runs as it is printed."""

import inspect
import re
from pathlib import Path
from typing import cast

import pytest
import torch

from tests.printed_code import code
from trainables import saved
from trainables.config import TrialConfig
from trainables.edgewise import losses
from trainables.networks.segmentation import Segmenter

_DOCS = Path(__file__).parent
_README, _PAGE = _DOCS.parent / "README.md", _DOCS / "use_the_loss.md"


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
        loss.backward()
    assert loss > 0
    assert logits.grad is not None
    assert logits.grad[:, :, 0].abs().max() == 0  # void


def test_each_loss_of_the_table_is_called_as_it_says() -> None:
    given, text = {**batch(), "boundary_logits": torch.zeros(2, 8, 8)}, _PAGE.read_text()
    rows = re.findall(r"^\| [^|]+ \| `(\w+)\(([^)]*)\)` \| `(\w+)` \|$", text, re.MULTILINE)
    assert len(rows) == 30
    assert {name for row in rows for name in row[::2]} < set(losses.__all__)
    for function, arguments, _ in rows:
        tensors = [given[name] for name in arguments.split(", ") if name in given]
        call = getattr(losses, function)
        settings = re.findall(r"(\w+)=", arguments)
        assert set(settings) <= set(inspect.signature(call).parameters)
        if not {"stage"} & {*settings} and function != "boundary_correlation":  # a tile is larger
            assert call(*tensors).isfinite()


@pytest.mark.parametrize(
    ("page", "first"),
    [
        (_README, "from pathlib import Path"),
        (_PAGE, "from pathlib import Path"),
        (_PAGE, "from edgewise import Loss"),
    ],
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

    scope: dict[str, object] = dict(batch())
    scope["images"] = scope["images_B3HW"] = torch.rand(2, 3, 32, 32)
    exec(code(page, first), scope)
    if first == "from edgewise import Loss":
        assert cast(torch.Tensor, scope["logits"]).grad is not None
    else:
        labels = scope["labels_BHW" if page == _README else "labels"]
        assert cast(torch.Tensor, labels).shape == (2, 32, 32)
