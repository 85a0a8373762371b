"""The lines of a program that uses a network of several tasks."""

from collections.abc import Mapping
from typing import TypeGuard

from trainables.config import TrialConfig
from trainables.config.inputs import UNITS
from trainables.config.tasks import TaskName

NO_LOSS = (
    "The network predicts several tasks, whose losses need more than logits and labels: Edgewise "
    "offers no loss of theirs to other programs."
)
_MAPS: Mapping[TaskName, str] = {
    "edge": "logits (B,1,H,W)",
    "depth": "metres (B,1,H,W)",
    "normals": "vectors of any length (B,3,H,W)",
    "saliency": "logits (B,1,H,W)",
    "parts": "logits (B,P,H,W)",
}
"""By task, what the network's ``tasks`` hold."""


def has_tasks(config: TrialConfig | None) -> TypeGuard[TrialConfig]:
    """Whether the network predicts more than the segmentation, or something else."""
    return config is not None and not config.task.only_segments


def outputs(config: TrialConfig) -> list[str]:
    """A line for each task, with its map in the network's ``output``."""
    names = config.task.names
    labels = ["labels = output.logits_BKHW.argmax(dim=1)"] if "semseg" in names else []
    further = [name for name in names if name != "semseg"]
    return labels + [f'{name} = output.tasks["{name}"]  # {_MAPS[name]}' for name in further]


def images_of(config: TrialConfig | None) -> str:
    """What a network takes, in words."""
    if config is None or not config.data.inputs:
        return "float (B,3,H,W), RGB in [0, 1]"
    maps = ", ".join(f"{name} ({UNITS[name]})" for name in config.data.input_names)
    return f"float (B,C,H,W), RGB in [0, 1], then {maps}, 0 where missing"


def bands_of(config: TrialConfig | None) -> str:
    """How many bands its images have, as an expression of a loaded ``network``."""
    return "network.pixels.bands" if config is not None and config.data.inputs else "3"


def script(head: list[str], load: str, size: tuple[int, int], config: TrialConfig) -> list[str]:
    """A program that runs the network on a random image.

    Args:
        head: its docstring.
        load: what follows the folder in the call that loads the network.
        size: rows and columns of the image.
        config: of the trial.
    """
    rows, columns = size
    sizes = [
        f'print("{name}", tuple({"labels" if name == "semseg" else name}.shape))'
        for name in config.task.names
    ]
    return [
        *head,
        "from pathlib import Path",
        "",
        "import torch",
        "from trainables import saved",
        "",
        "FOLDER = Path(__file__).resolve().parent",
        "",
        f"# Images {images_of(config)}; the network normalises them itself.",
        f"network, config, classes = saved.load(FOLDER{load})",
        f"images = torch.rand(1, {bands_of(config)}, {rows}, {columns})",
        "with torch.inference_mode():",
        "    output = network(images)",
        *outputs(config),
        *sizes,
    ]
