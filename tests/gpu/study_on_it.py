"""A real study of two lanes on one GPU, one rank killed: needs Ray."""

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from tests.gpu.table import Lines, judged, not_measured

CHECK = "a study"
_WHAT = "two lanes on one GPU, a killed rank"


def lines(device: torch.device) -> Lines:
    if device.type == "cpu":
        yield not_measured(CHECK, _WHAT, "needs a GPU; tests/study/execution has it on CPUs")
        return
    lacking = [name for name in ("ray", "optuna", "mlflow") if find_spec(name) is None]
    if lacking:
        yield not_measured(CHECK, _WHAT, f"{', '.join(lacking)} not installed")
        return
    with TemporaryDirectory() as folder:
        yield from _study(Path(folder))


def _study(storage: Path) -> Lines:
    from study.ledger.study_folder import StudyFolder
    from tests.chaos.victims import run_until_killed
    from tests.cluster.own_ray import study

    command = study(storage, "gpu", "--gpus-per-worker", "0.5", trials=4)
    folder = StudyFolder(storage / "gpu")
    run_until_killed(command, folder.ledger, ("worker", "epoch", 1), ("driver", "finished", 4))
    record = folder.load()
    complete = sum(trial.state == "complete" for trial in record.trials.values())
    text = f"{complete} of 4 trials complete"
    yield judged(CHECK, _WHAT, "all complete", text, complete == 4)
