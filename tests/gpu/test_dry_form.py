"""`make gpu DEVICE=cpu`: every check works at toy size, and a fault of one is a line."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from tests.gpu import __main__ as gpu
from tests.gpu import losses_agree
from tests.gpu.checks import CHECKS, Check
from tests.gpu.table import Line, Lines, judged

CPU = torch.device("cpu")


def rows(page: Path) -> list[list[str]]:
    """The table's cells, by row."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


LACKING = """
import sys
for name in ("ray", "optuna", "mlflow", "cv2", "h5py", "nibabel", "tifffile", "psutil", "filelock",
             "yaml", "pandas", "rich", "pytest"):
    sys.modules[name] = None  # any import of it raises ImportError
from tests.gpu.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_every_check_works_at_toy_size_without_what_a_gpu_machine_may_lack(tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    command = [sys.executable, "-c", LACKING, "--device", "cpu", "--out", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = rows(page)
    assert {row[0] for row in found} == set(CHECKS)
    assert {row[4] for row in found} == {"holds", "not measured"}
    # What a CPU can judge is judged, and no speed of a toy is called good.
    judged_here = {"losses", "metrics", "one training", "batch norm over ranks", "data path"}
    assert {row[0] for row in found if row[4] == "holds"} == judged_here


def test_a_wrong_gradient_falls_short(monkeypatch: pytest.MonkeyPatch) -> None:
    right = losses_agree._at

    def wrong(loss: object, logits: torch.Tensor, labels: torch.Tensor) -> object:
        value, gradient = right(loss, logits, labels)  # type: ignore[arg-type]
        return value, gradient * (1 + 1e-4 * (logits.dtype == torch.float32))

    monkeypatch.setattr(losses_agree, "_at", wrong)
    verdicts = {line.what: line.verdict for line in losses_agree.lines(CPU)}
    assert verdicts["cross_entropy, float32"] == verdicts["semeda, float32"] == "falls short"
    assert verdicts["cross_entropy, bfloat16"] == "holds"


def _faulty(device: torch.device) -> Lines:
    yield judged("faulty", "first", "-", "1", True)
    raise RuntimeError("no kernel image")


def test_the_fault_of_a_check_is_a_line_and_the_next_check_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after(device: torch.device) -> Lines:
        yield judged("after", "it", "-", "2", True)

    monkeypatch.setattr(gpu, "CHECKS", {"faulty": Check(_faulty, 9), "after": Check(after, 9)})
    page = tmp_path / "gpu.md"
    assert gpu.main(["--device", "cpu", "--out", str(page)]) == 1
    assert rows(page) == [
        ["faulty", "first", "-", "1", "holds"],
        ["faulty", "the rest", "no error", "RuntimeError: no kernel image", "falls short"],
        ["after", "it", "-", "2", "holds"],
    ]


def test_a_check_apart_that_takes_too_long_keeps_its_lines() -> None:
    """``losses`` prints its first line long before its last, and importing torch takes longer."""
    given: list[Line] = []
    start = time.monotonic()
    gpu._run_apart("losses", CPU, 1.0, given.append)
    assert given[-1].what == "the rest"
    assert given[-1].verdict == "not measured"
    assert time.monotonic() - start < 60


def test_a_check_without_time_is_named(tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    assert gpu.main(["--device", "cpu", "--minutes", "0.1", "--out", str(page)]) == 0
    assert [row[0] for row in rows(page)] == list(CHECKS)
    assert {row[3] for row in rows(page)} == {"no time left of 0.1 min"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 2
    words = "--device must be cpu on a machine without a GPU, got cuda\n"
    assert capsys.readouterr().err == words
