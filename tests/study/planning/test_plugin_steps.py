"""A plug-in whose first step cannot work is refused before anything starts, in one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from study.commands.run import main
from tests.study.planning.test_plugin import EXAMPLE, SMALL
from trainables import plugin

NETWORK = """
from torch import nn
from types import SimpleNamespace
from trainables.networks.network import Network, Output

class Plain(nn.Module):
    def __init__(self, k, wrap=lambda logits: logits):
        super().__init__()
        self.last, self.wrap = nn.Conv2d(3, k, 3, padding=1), wrap
    def forward(self, images):
        return self.wrap(self.last(images))

class Raises(nn.Module):
    def forward(self, images):
        raise KeyError("gone")

NETWORKS = {"own": %s}
"""


@pytest.fixture(autouse=True)
def _uninstalled() -> Iterator[None]:
    yield
    plugin.uninstall()


def arguments(file: Path, *more: str) -> list[str]:
    sizes = [word for path, value in SMALL.items() for word in ("--set", f"{path}={value}")]
    place = ["--storage", str(file.parent / "runs"), "--dry-run"]
    return ["--with", str(file), *place, *sizes, *more]


def with_network(folder: Path, build: str, *more: str) -> list[str]:
    file = folder / "own.py"
    file.write_text(NETWORK % build)
    space = ["--space", "active_boundary", "--set", "model/network=own"]
    return arguments(file, *space, *more)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        ("lambda config, k: Plain(k + 1)", "model/network own must be a module whose logits are"),
        ("lambda config, k: Plain(k, lambda x: x[:, 0])", "(2, 6, h, w): images, classes"),
        ("lambda config, k: Plain(k, lambda x: x.argmax(1))", "got 'int64 (2, 32, 32)'"),
        ("lambda config, k: None", "model/network own must be built as a torch.nn.Module"),
        ("lambda config, k: config.nothing", "own.py:17: AttributeError:"),
        ("lambda config, k: Raises()", "raised KeyError: 'gone' (--with own.py:15)"),
        ("lambda config, k: Raises()", "own cannot run: tried on two images of 16x16 px and"),
    ],
)
def test_a_network_that_cannot_work_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, build: str, words: str
) -> None:
    assert main(with_network(tmp_path, build)) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "wrap",
    ["lambda x: x", "lambda x: {'out': x}", "lambda x: SimpleNamespace(logits=x[..., ::2, ::2])"],
)
def test_any_module_that_gives_logits_is_a_network(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wrap: str
) -> None:
    """As segmentation-models-pytorch, torchvision and transformers return them."""
    assert main(with_network(tmp_path, f"lambda config, k: Plain(k, {wrap})")) == 0
    assert "forecast" in capsys.readouterr().out


def test_a_boundary_head_needs_features(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = with_network(tmp_path, "lambda config, k: Plain(k)", "--set", "loss/beta=1.0")
    assert main(command) == 2
    assert "model/network own must be given model/features" in capsys.readouterr().err


def test_a_loss_that_raises_in_a_trial_s_first_step_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    broken = "    if len(target.labels_BHW) == 3:\n        raise KeyError('k')\n    loss_BHW ="
    file.write_text(EXAMPLE.read_text().replace("    loss_BHW =", broken))
    assert main(arguments(file, "--space", "focal", "--set", "batch=3")) == 2
    assert "its first step raised KeyError: 'k' (--with mine.py:" in capsys.readouterr().err
