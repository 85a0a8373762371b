"""The networks that `docs/plugins.md` shows are built as they stand there."""

import re
from pathlib import Path

import segmentation_models_pytorch
import torch

from trainables.config import TrialConfig

PLUGINS = Path(__file__).resolve().parents[3] / "docs" / "plugins.md"


def test_a_documented_network_can_be_built() -> None:
    lines = re.findall(r"`(NETWORKS = \{.+\})`", PLUGINS.read_text())
    assert lines
    for line in lines:
        names: dict[str, dict[str, object]] = {}
        exec(line, {"smp": segmentation_models_pytorch}, names)
        for build in names["NETWORKS"].values():
            assert callable(build)
            network = build(TrialConfig().model, 3)
            with torch.no_grad():
                assert network.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 3, 32, 32)
