"""`trainables` trains, evaluates and computes every loss without Ray, Optuna and MLflow."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
for name in ("ray", "optuna", "mlflow"):
    sys.modules[name] = None  # any import of it raises ImportError
import torch
from pathlib import Path
from trainables.stages import registry as stages
from trainables.training import checkpoint
from trainables.config import TrialConfig
from trainables.data import load
from trainables.training.training import Training
config = TrialConfig().changed({
    "data/train_images": 4, "data/val_images": 2, "data/test_images": 1, "data/height": 32,
    "data/width": 32, "model/width": 4, "batch": 2, "loss/beta": 1.0, "loss/gamma": 1.0,
    "loss/tile": 16, "inverse_net/steps": 2,
})
data = load(config.data)
stages.ensure("inverse_net", config, data, Path(sys.argv[1]))
learned = stages.load_learned(config, data.digest, Path(sys.argv[1]))
run = Training(config, data, learned, torch.device("cpu"))
assert run.train_epoch()["train/inverse_form"] > 0
print(sorted(run.evaluate("test").metrics))
"""


def test_a_trial_needs_no_ray_no_optuna_and_no_mlflow(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert "miou" in done.stdout
