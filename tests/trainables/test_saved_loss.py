"""A study's loss in a script of one's own equals what the trial trained with."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from trainables import saved
from trainables.config import LossConfig, TrialConfig, Value
from trainables.data import load
from trainables.data.batch import Batch
from trainables.losses.batch import Learned
from trainables.losses.term import LossTerm
from trainables.networks.segmentation import Segmenter, SegmenterOutput
from trainables.saved_loss import Loss
from trainables.stages import copies, registry
from trainables.stages.standalone import load_stage
from trainables.training.objective import Weights
from trainables.training.state import pack
from trainables.training.training import Training

ROOT = Path(__file__).resolve().parents[2]
SMALL: dict[str, Value] = {
    "data/height": 32,
    "data/width": 32,
    "data/train_images": 4,
    "data/val_images": 2,
    "data/test_images": 1,
    "model/width": 4,
    "batch": 4,
    "epochs": 2,
    "loss/tile": 16,
    "inverse_net/steps": 2,
    "edge_net/steps": 2,
}
LOSSES: dict[str, dict[str, Value]] = {
    "sum": {"loss/lovasz": 2.76, "loss/w_a": 0.5, "loss/class_weights": "frequency"},
    "alpha": {"loss/gdl": 1.0, "loss/bl": 0.5, "loss/alpha": "linear"},
    "ramp": {"loss/lovasz": 1.0, "loss/schedule": "lovasz linear 0.25 1"},
    "late": {"loss/beta": 1.0, "loss/schedule": "beta from 0.75"},
    "inverseform": {"loss/beta": 1.0, "loss/gamma": 0.5},
    "semeda": {"loss/lambda_2": 1.0},
}


def trained(folder: Path, changes: dict[str, Value]) -> tuple[float, SegmenterOutput, Tensor]:
    """Train two epochs of one batch and save the model.

    Returns:
        The second epoch's loss, as the trial reports it, with what the network gave, and labels.
    """
    config = TrialConfig().changed(SMALL | changes)
    dataset = load(config.data)
    learned = registry.make_learned(config, dataset, folder / "stages", "test")
    training = Training(config, dataset, learned, torch.device("cpu"))
    outputs: list[SegmenterOutput] = []
    labels: list[Tensor] = []
    training.network.register_forward_hook(lambda _, given, output: outputs.append(output))
    terms = training.objective.terms

    def recorded(output: SegmenterOutput, batch: Batch, weights: Weights) -> dict[str, LossTerm]:
        labels.append(batch.labels_BHW)
        return terms(output, batch, weights)

    training.objective.terms = recorded  # type: ignore[method-assign]
    training.train_epoch()
    history = training.train_epoch()
    assert isinstance(history, dict)
    stages = copies.contents(registry.stage_names(config, dataset.digest), folder / "stages")
    saved.save(folder / "model", config, dataset.classes, training.save(), stages)
    return history["train/loss"], outputs[-1], labels[-1]


@pytest.mark.parametrize("name", LOSSES)
def test_it_equals_the_training_loss_of_the_trial(tmp_path: Path, name: str) -> None:
    measured, output, labels = trained(tmp_path / "runs" / "mine", LOSSES[name])
    loss = Loss.from_study("mine", storage=tmp_path / "runs")
    loss.epoch = 1
    boundary = output.boundary_logits_BHW
    value = loss(output.logits_BKHW.detach(), labels.to(torch.uint8), boundary)
    assert value.shape == ()
    assert value.item() == pytest.approx(measured, abs=1e-6, rel=1e-6)
    assert not list(loss.parameters())
    assert not loss.state_dict()
    again = pickle.loads(pickle.dumps(loss))
    one_channel = None if boundary is None else boundary.unsqueeze(1)
    assert again(output.logits_BKHW, labels, one_channel).item() == value.item()


def test_a_schedule_runs_over_the_epochs_of_the_caller_s_training() -> None:
    config = LossConfig(lovasz=1.0, schedule="lovasz from 0.5")
    loss = Loss(config, 3, epochs=10)
    logits, labels = torch.randn(1, 3, 8, 8), torch.randint(3, (1, 8, 8))
    with pytest.raises(ValueError, match="epoch must be set before each epoch"):
        loss(logits, labels)
    loss.epoch = 4
    early = loss(logits, labels)
    assert torch.equal(early, loss(logits, labels, progress=0.0))
    loss.epoch = 5
    assert loss(logits, labels) > early
    with pytest.raises(ValueError, match=r"epoch must be 0 \.\. 10, the epochs of the training"):
        loss.epoch = 11
    loss.epochs = 20
    assert torch.equal(loss(logits, labels), early)
    constant = Loss(LossConfig(lovasz=1.0), 3)
    assert not constant.changes
    assert constant(logits, labels) > early


def test_what_the_loss_needs_is_named() -> None:
    logits, labels = torch.randn(1, 3, 8, 8), torch.randint(3, (1, 8, 8))
    with_head = Loss(LossConfig(beta=1.0), 3)
    assert with_head.needs_boundary_logits
    with pytest.raises(ValueError, match=r"boundary_logits must be the \(B,H,W\) logits of"):
        with_head(logits, labels)
    plain = Loss(LossConfig(), 3)
    assert torch.equal(plain(logits, labels, labels.float()), plain(logits, labels))
    with pytest.raises(ValueError, match=r"logits must be \(B,3,H,W\)"):
        plain(torch.randn(1, 4, 8, 8), labels)
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        plain(logits, labels.float())
    with pytest.raises(ValueError, match="learned must be the networks inside the loss"):
        Loss(LossConfig(gamma=1.0), 3)
    with pytest.raises(ValueError, match="runs/no/model: missing: no study 'no'"):
        Loss.from_study("no")


def test_networks_inside_the_loss_follow_the_logits() -> None:
    config = TrialConfig().changed(SMALL | LOSSES["semeda"])
    edge_net = registry.untrained(config, 3).edge_net
    loss = Loss(config.loss, 3, Learned(edge_net=edge_net))
    assert loss.to("meta").half() is loss
    logits = torch.randn(1, 3, 8, 8, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(logits, torch.zeros(1, 8, 8, dtype=torch.int64))
    assert value.dtype == torch.float32
    value.backward()
    assert logits.grad is not None
    moved = loss._learned_on(torch.device("meta")).edge_net
    assert isinstance(moved, torch.nn.Module)
    assert next(moved.parameters()).device.type == "meta"
    assert isinstance(edge_net, torch.nn.Module)
    assert next(edge_net.parameters()).device.type == "cpu"


def test_a_folder_without_the_networks_inside_its_loss_says_so(tmp_path: Path) -> None:
    trained(tmp_path, LOSSES["semeda"])
    folder = tmp_path / "model"
    [stage] = folder.glob("edge_net-*.pt")
    whole = stage.read_bytes()
    stage.write_bytes(whole[:-100] + bytes(100))
    with pytest.raises(ValueError, match=r"edge_net-\w+\.pt: damaged"):
        Loss.from_model(folder)
    stage.unlink()
    lines = (folder / saved.HASHES).read_text().splitlines(keepends=True)
    (folder / saved.HASHES).write_text("".join(line for line in lines if "edge_net" not in line))
    with pytest.raises(ValueError, match=r"edge_net-KEY\.pt: missing: the loss needs this network"):
        Loss.from_model(folder)
    assert len(saved.load(folder)[2]) > 1  # the trained network needs it not
    saved.add_stages(folder, {stage.name: whole})
    assert Loss.from_model(folder).config.lambda_2 == 1
    assert load_stage("edge_net", folder).kind == "edge_net"  # as edgewise.losses.SEMEDA reads it


def test_a_folder_keeps_no_stage_of_an_earlier_network(tmp_path: Path) -> None:
    config = TrialConfig().changed(SMALL)
    network = Segmenter(config.model, 2, boundary_head=False)
    state = pack({"epoch": 1, "network": network.state_dict()})
    saved.save(tmp_path, config, ["a", "b"], state, {"edge_net-0123.pt": b"stage"})
    assert saved.describe(tmp_path).stages == {"edge_net-0123.pt": b"stage"}
    saved.save(tmp_path, config, ["a", "b"], state)
    assert saved.describe(tmp_path).stages == {}


def test_it_needs_no_ray_no_mlflow_and_no_optuna(tmp_path: Path) -> None:
    trained(tmp_path, LOSSES["sum"])
    program = (
        "import sys\n"
        "for name in ('ray', 'optuna', 'mlflow'): sys.modules[name] = None\n"
        "from trainables.saved_loss import Loss\n"
        "print(Loss.from_model(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.stdout == "Loss(cross_entropy 1, lovasz 2.76, active_boundary 0.5; 6 classes)\n", (
        done.stderr
    )
