"""Importing the losses takes what they need, and changes nothing else in the process."""

import subprocess
import sys
from pathlib import Path

_STATE = """
import os, sys, warnings, locale, logging
import cv2, numpy, torch
def state():
    return dict(
        opencv=cv2.getNumThreads(), ipp=cv2.ipp.useIPP(),
        torch=(torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype()),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        rng=(torch.get_rng_state().sum().item(), str(numpy.random.get_state()[1][:9])),
        filters=list(warnings.filters), env=dict(os.environ), path=list(sys.path),
        level=logging.getLogger().level, locale=locale.setlocale(locale.LC_ALL),
        errors=numpy.geterr(), switch=sys.getswitchinterval(), recursion=sys.getrecursionlimit(),
    )
cv2.setNumThreads(3)
before, modules = state(), set(sys.modules)
"""


def test_it_changes_no_setting_and_starts_nothing(tmp_path: Path) -> None:
    """As it is installed, from any folder."""
    code = f"""
{_STATE}
import threading, psutil
import edgewise.losses as losses
new = {{name.partition(".")[0] for name in set(sys.modules) - modules}}
assert not new & {{"ray", "mlflow", "optuna", "pandas", "sklearn", "PIL", "timm", "scipy"}}, new
assert "torch._dynamo" not in sys.modules
assert threading.active_count() == 1
assert not psutil.Process().children()
assert state() == before, [key for key, value in state().items() if value != before[key]]
y = torch.randint(3, (1, 40, 40), generator=torch.Generator().manual_seed(0))
x = torch.zeros(1, 3, 40, 40, requires_grad=True)
losses.ActiveBoundary()(x, y).backward()
losses.hausdorff(x, y).backward()
assert state() == before
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
