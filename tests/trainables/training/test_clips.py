"""Training on clips: two ranks and one, a resumed training, all losses, and what is judged."""

from pathlib import Path

import pytest
import torch

from tests.processes import on_ranks
from tests.trainables import films
from trainables.config import TrialConfig, Value
from trainables.data.batch import Batch
from trainables.data.given_frames import shown
from trainables.losses.batch import Learned
from trainables.stages.edge_net.network import EdgeNet
from trainables.stages.inverse_net.dense import BlurredDenseNet
from trainables.training.training import Training

CPU = torch.device("cpu")
SMALL: dict[str, Value] = {
    "model/network": "stm_small",
    "model/encoder": "mobilenetv3_small_050",
    "data/clip": 3,
    "data/clip_skip": 2,
    "batch": 4,
    "epochs": 2,
    "optim/lr": 1e-3,
}


def config(**changes: Value) -> TrialConfig:
    return TrialConfig().changed({**SMALL, **changes})


def training(trial_config: TrialConfig, learned: Learned | None = None) -> Training:
    return Training(trial_config, films.dataset((3, 5)), learned or Learned(), CPU)


def _rank_main(rank: int, ranks: int, folder: str, trial_config: TrialConfig) -> None:
    torch.set_num_threads(1)
    run = training(trial_config)
    metrics = [run.train_epoch()]
    if rank == 0:
        gradients = {name: weight.grad for name, weight in run.network.named_parameters()}
        torch.save({"metrics": metrics, "gradients": gradients}, f"{folder}/{ranks}.pt")


def test_two_ranks_give_what_one_gives(tmp_path: Path) -> None:
    """Plain SGD on clips of three frames, with batch norms of all ranks."""
    changes: dict[str, Value] = {"optim/optimizer": "sgd", "loss/w_a": 0.5, "loss/lovasz": 1.0}
    trial_config = config(**changes)
    _rank_main(0, 1, str(tmp_path), trial_config)
    on_ranks(2, tmp_path, _rank_main, 2, str(tmp_path), trial_config)
    one, two = (torch.load(tmp_path / f"{ranks}.pt", weights_only=True) for ranks in (1, 2))
    for a, b in zip(one["metrics"], two["metrics"], strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    scale = max(gradient.abs().max() for gradient in one["gradients"].values())
    for name, gradient in one["gradients"].items():
        assert torch.allclose(gradient, two["gradients"][name], rtol=1e-3, atol=1e-4 * scale), name


def test_a_resumed_training_ends_bit_for_bit_as_an_undisturbed_one() -> None:
    whole = training(config())
    epochs = [whole.train_epoch() for _ in range(2)]
    first = training(config())
    resumed = [first.train_epoch()]
    second = training(config())
    second.load(first.save())
    resumed.append(second.train_epoch())
    assert resumed == epochs
    for a, b in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(a, b)


PAPERS: dict[str, Value] = {
    **{"loss/lovasz": 1.0, "loss/fkl": 1.0, "loss/w_a": 1.0, "loss/ar": 0.1},
    **{"loss/beta": 1.0, "loss/gamma": 0.5, "loss/tile": 16},
    **{"loss/lambda_1": 1.0, "loss/lambda_2": 1.0, "loss/lambda_3": 1.0},
}


def test_the_losses_of_all_four_papers_see_the_predicted_frames() -> None:
    torch.manual_seed(7)
    learned = Learned(BlurredDenseNet(16, 8).requires_grad_(False), EdgeNet(2))
    run = training(config(**PAPERS), learned)
    found = run.train_epoch()
    assert isinstance(found, dict)
    assert len(found) > 8
    assert all(value > 0 for value in found.values()), found


def batch(frames: int = 6) -> Batch:
    labels = torch.zeros(frames, 4, 5, dtype=torch.int64)
    labels[:, 1:3, 1:4] = 1
    images = torch.arange(float(frames)).view(-1, 1, 1, 1).expand(-1, 3, 4, 5)
    return Batch(images, labels, {"edge": labels[:, 0]})


def test_losses_see_all_frames_but_the_given_ones() -> None:
    given = batch()
    images, known, judged = shown(given, 3)
    assert torch.equal(images, given.images_BCHW)
    assert known is not None
    assert torch.equal(known, (given.labels_BHW[[0, 3]] == 1).float())
    assert judged.images_BCHW[:, 0, 0, 0].tolist() == [1, 2, 4, 5]
    assert torch.equal(judged.labels_BHW, given.labels_BHW[[1, 2, 4, 5]])
    assert judged.targets["edge"].shape == (4, 5)
    alone = shown(given, 1)
    assert alone.known_BHW is None
    assert alone.judged is given


def test_a_clip_whose_first_frame_shows_no_object_is_void() -> None:
    """A void pixel of the given frame is no object either."""
    given = batch()
    given.labels_BHW[0] = 0
    given.labels_BHW[0, 0, 0] = 255
    given.labels_BHW[3, 1, 1] = 255
    _, known, judged = shown(given, 3)
    assert known is not None
    assert known.sum(dim=(1, 2)).tolist() == [0, 5]
    assert (judged.labels_BHW[:2] == 255).all()
    assert torch.equal(judged.labels_BHW[2:], given.labels_BHW[4:])
