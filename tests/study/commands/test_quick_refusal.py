"""A mistake in the options is refused before the libraries that take seconds are imported."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from study.commands.run import main
code = main(sys.argv[1:])
slow = {"torch", "ray", "scipy.stats", "pandas", "mlflow", "matplotlib", "rich"} & set(sys.modules)
print(code, sorted(slow))
"""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--trials", "0"), "--space must be one of inverseform"),
        (("--space", "inversform"), "--space must be one of inverseform"),
        (("--space", "inverseform", "--trials", "0"), "--trials must be >= 1, got 0"),
        (("--space", "inverseform", "--set", "optim/lrr=1"), "did you mean optim/lr"),
        (("--space", "inverseform", "--objective", "iou"), "--objective must be"),
        (("--space", "semeda", "--grid", "table9"), "--grid of semeda must be"),
        (("--space", "semeda", "--name", "../x"), "--name must"),
        (("--space", "semeda", "--workers", "0"), "--workers must be"),
        (("--space", "semeda", "--lane-wait", "0"), "--lane-wait must be"),
        (("--winner", "nothing"), "--winner must"),
    ],
)
def test_a_mistake_needs_neither_torch_nor_ray(
    options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PROGRAM, *options, "--storage", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.split(" ", 1) == ["2", "[]\n"]
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
