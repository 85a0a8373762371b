"""Where a study's numbers come from: data, commit, versions, machine."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from cluster.safe_text import without_passwords
from study.ledger.typed_command import INSTALLED, installed_command

_ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = _ROOT / "study" / "run.py"
_PACKAGES = (
    "torch",
    "torchvision",
    "ray",
    "optuna",
    "mlflow",
    "timm",
    "segmentation-models-pytorch",
)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The code, the packages and the machine that produced a study's numbers."""

    commit: str | None
    dirty: bool | None
    """Whether the repository had uncommitted changes."""
    python: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str | int | None] = field(default_factory=dict)
    command: str = ""
    """The command that was typed, without passwords; "" from Python, and in older ledgers."""

    def to_json(self) -> dict[str, object]:
        """Its keys in the ledger; without ``command``, as older versions wrote it, if it is ""."""
        return {key: value for key, value in vars(self).items() if key != "command" or value}

    @property
    def state(self) -> str:
        """The commit, and whether the repository had uncommitted changes."""
        return (self.commit or "unknown")[:12] + (" with local changes" if self.dirty else "")


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The dataset that a study ran on."""

    dataset: str
    digest: str
    classes: list[str]
    size: list[int]
    """Rows and columns of the images; empty if they differ."""
    images: dict[str, int]
    """Number of images by split."""
    lists: dict[str, str] = field(default_factory=dict)
    """By split, what its images are, where that is not the whole list of that name."""
    shared: dict[str, int] = field(default_factory=dict)
    """By split, how many images of the test list it has too; none in older ledgers."""
    unit: str = ""
    """Of distances within the images, ``px`` or ``mm``; "" in older ledgers."""

    folds: list[dict[str, int]] = field(default_factory=list)
    """By fold, its number of images by split; empty without folds."""

    @property
    def test_ratio(self) -> float:
        """Test images by training images, over all folds."""
        return sum(fold["test"] for fold in self.folds) / sum(fold["train"] for fold in self.folds)

    def images_of(self, fold: int) -> dict[str, int]:
        """The number of images by split in this fold; 0: in the study's lists."""
        return self.folds[fold - 1] if fold else self.images

    def to_json(self) -> dict[str, object]:
        """Its keys in the ledger; those that older versions lack only if they are not empty."""
        later = ("lists", "shared", "unit", "folds")
        return {key: value for key, value in vars(self).items() if key not in later or value}

    def list_name(self, split: str) -> str:
        """What the images of a split are, in words."""
        usual = "validation" if split == "val" else split
        return self.lists.get(split, f"{usual} list")


def _git(*arguments: str) -> str | None:
    """Return git's output, or None without git or without a repository."""
    try:
        completed = subprocess.run(
            ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return completed.stdout.strip()


def provenance(accelerators: str = "") -> Provenance:
    """Collect the facts of this process; git's are None if the code came without a repository.

    ``accelerators`` are the cluster's GPUs by name, "" without any.
    """
    # Where it is installed into a user's repository, the commit is not that of this code.
    ours = _git("ls-files", "--error-unmatch", str(_SCRIPT)) is not None
    status = _git("status", "--porcelain") if ours else None
    gpus: dict[str, str | int | None] = {"gpus": accelerators} if accelerators else {}
    return Provenance(
        commit=_git("rev-parse", "HEAD") if ours else None,
        dirty=None if status is None else bool(status),
        python=platform.python_version(),
        packages={name: version(name) for name in _PACKAGES},
        machine={"system": platform.platform(), "cpus": os.cpu_count(), **gpus},
        command=_typed(sys.argv),
    )


def _typed(words: Sequence[str]) -> str:
    """The command of ``study/run.py``; "" if another program runs the study."""
    if installed_command():
        return shlex.join([INSTALLED, *map(without_passwords, words[1:])])
    script = Path(words[0] if words else "")
    if script.name != _SCRIPT.name or script.resolve() != _SCRIPT:
        return ""
    return shlex.join(["python", *map(without_passwords, [str(script), *words[1:]])])


def changes(first: Provenance, later: Provenance) -> str:
    """What produced an attempt's numbers that did not produce the first attempt's; "" if nothing.

    Machines may differ: a resumed study may run elsewhere.
    """
    pairs = {
        "commit": (first.state, later.state),
        "python": (first.python, later.python),
        **{
            name: (first.packages.get(name, "none"), later.packages.get(name, "none"))
            for name in dict.fromkeys([*first.packages, *later.packages])
        },
    }
    return ", ".join(f"{name} {old} -> {new}" for name, (old, new) in pairs.items() if old != new)
