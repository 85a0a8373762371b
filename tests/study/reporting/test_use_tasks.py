"""The program beside a saved network of several tasks runs as it is."""

from pathlib import Path

import pytest
import torch

from study.reporting.sections import use_tasks
from trainables import saved
from trainables.config import TrialConfig, Value
from trainables.networks.segmentation import Segmenter
from trainables.training.state import pack


@pytest.mark.parametrize(
    ("tasks", "printed"),
    [
        ("semseg,depth,normals", ["semseg (1, 16, 24)", "depth (1, 1, 16, 24)"]),
        ("edge", ["edge (1, 1, 16, 24)"]),
    ],
)
def test_the_program_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tasks: str, printed: list[str]
) -> None:
    changes: dict[str, Value] = {
        "data/targets": "edge,depth,normals",
        "task/tasks": tasks,
        "model/width": 4,
    }
    config = TrialConfig().changed(changes)
    assert use_tasks.has_tasks(config)
    network = Segmenter(config.model, 2, False, tasks=config.task.of_network(2))
    state = pack({"epoch": 1, "network": network.state_dict()})
    saved.save(tmp_path, config, ["a", "b"], state)
    lines = use_tasks.script(['"""Use."""', ""], "", (16, 24), config)
    exec("\n".join(lines), {"__file__": str(tmp_path / "use.py"), "torch": torch})
    assert capsys.readouterr().out.splitlines()[: len(printed)] == printed
    assert not use_tasks.has_tasks(TrialConfig())
