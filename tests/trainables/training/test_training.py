"""One trial: two ranks give what one gives, and a resumed trial what an uninterrupted one gives."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.processes import on_ranks
from trainables.config import TrialConfig
from trainables.data import Dataset, load
from trainables.losses.batch import Learned
from trainables.metrics.per_image import ImageCounts
from trainables.stages.inverse_net.dense import BlurredDenseNet
from trainables.training.epoch_summary import Diverged
from trainables.training.training import Training

CPU = torch.device("cpu")


def config(**changes: float | str) -> TrialConfig:
    base: dict[str, float | str] = {
        "data/train_images": 10,
        "data/val_images": 5,
        "data/test_images": 1,
        "data/height": 32,
        "data/width": 48,
        "model/width": 4,
        "loss/beta": 1.0,
        "loss/gamma": 0.5,
        "loss/tile": 16,
        "batch": 5,
        "epochs": 4,
    }
    return TrialConfig().changed({**base, **changes})


def dataset(trial_config: TrialConfig) -> Dataset:
    """Scenes, every other one half void, so that ranks get unequal numbers of pixels."""
    scenes = load(trial_config.data)
    train = scenes.splits["train"]
    labels = train.labels_NHW.copy()
    labels[::2, :, ::2] = 255
    labels[1] = 255
    return replace(scenes, splits={**scenes.splits, "train": replace(train, labels_NHW=labels)})


def learned(trial_config: TrialConfig) -> Learned:
    torch.manual_seed(7)
    return Learned(BlurredDenseNet(trial_config.loss.tile, 8).requires_grad_(False))


def training(trial_config: TrialConfig) -> Training:
    return Training(trial_config, dataset(trial_config), learned(trial_config), CPU)


def _rank_main(rank: int, ranks: int, folder: str, trial_config: TrialConfig) -> None:
    torch.set_num_threads(1)
    run = training(trial_config)
    metrics, points = [], []
    for _ in range(2):
        metrics.append(run.train_epoch())
        points.append(vars(run.iterations))
    evaluation = run.evaluate()
    if rank == 0:
        gradients = {name: parameter.grad for name, parameter in run.network.named_parameters()}
        torch.save(
            {
                "metrics": metrics,
                "points": points,
                "evaluation": evaluation.metrics,
                "loss": evaluation.loss,
                "confusion": evaluation.confusion_KK,
                "gradients": gradients,
                "predictions": [map_HW.tolist() for map_HW in evaluation.predictions],
                "counts": list(evaluation.counts),
                "buffers": dict(run.network.named_buffers()),
            },
            f"{folder}/{ranks}.pt",
        )


BATCH_NORM: dict[str, float | str] = {
    "model/network": "fpn",
    "model/encoder": "mobilenetv3_small_050",
    "data/height": 64,
    "data/width": 64,
    "data/train_images": 5,
}


MULTI_SCALE: dict[str, float | str] = {
    **BATCH_NORM,
    "model/network": "hms",
    "loss/rmi": 0.5,
    "loss/rmi_downsampling": 2,
    # Half of 64 px is one value at stride 32: such batch norms amplify rounding with each step.
    "optim/lr": 1e-4,
}


@pytest.mark.parametrize(
    "changes", [{}, BATCH_NORM, MULTI_SCALE], ids=["group norm", "batch norm", "HMS and RMI"]
)
def test_two_ranks_give_what_one_gives(tmp_path: Path, changes: dict[str, float | str]) -> None:
    """Uneven shards (5 images on 2 ranks), void pixels, an image that is all void.

    Two epochs of plain SGD on two ranks and on one: the last gradients, the loss terms, the
    metrics and the counts. A difference in any step before would have moved the weights.
    """
    trial_config = config(**{"optim/optimizer": "sgd", "optim/lr": 0.001, **changes})
    _rank_main(0, 1, str(tmp_path), trial_config)
    on_ranks(2, tmp_path, _rank_main, 2, str(tmp_path), trial_config)
    one, two = (torch.load(tmp_path / f"{ranks}.pt", weights_only=True) for ranks in (1, 2))

    for a, b in zip(one["metrics"], two["metrics"], strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    for a, b in zip(one["points"], two["points"], strict=True):
        assert a["at"] == b["at"] == sorted(set(a["at"]))
        for name, values in a["terms"].items():
            assert values == pytest.approx(b["terms"][name], rel=1e-4), name
    for name in ("ece", "brier"):  # of probabilities, as the losses above
        of_one, of_two = one["evaluation"].pop(name), two["evaluation"].pop(name)
        assert of_one == pytest.approx(of_two, rel=1e-4)
    assert one["evaluation"] == pytest.approx(two["evaluation"], abs=1e-9)
    assert one["predictions"] == two["predictions"]
    assert torch.equal(one["confusion"], two["confusion"])
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-6)  # the weights differ in fp32's noise
    of_scores = ImageCounts._fields.index("calibration_NC")  # sums of probabilities: ECE above
    pairs = list(zip(one["counts"], two["counts"], strict=True))
    assert all(torch.equal(a, b) for n, (a, b) in enumerate(pairs) if n != of_scores)
    scale = max(gradient.abs().max() for gradient in one["gradients"].values())
    for name, gradient in one["gradients"].items():
        assert torch.allclose(gradient, two["gradients"][name], rtol=1e-3, atol=1e-4 * scale), name
    for name, buffer in one["buffers"].items():
        assert torch.allclose(buffer.float(), two["buffers"][name].float(), atol=1e-4), name


def test_a_resumed_trial_ends_bit_for_bit_as_an_uninterrupted_one() -> None:
    uninterrupted = training(config())
    uninterrupted_epochs = [(uninterrupted.train_epoch(), uninterrupted.iterations) for _ in "1234"]

    first = training(config())
    resumed_epochs = [(first.train_epoch(), first.iterations) for _ in "12"]
    second = training(config())
    second.load(first.save())
    resumed_epochs += [(second.train_epoch(), second.iterations) for _ in "34"]

    assert resumed_epochs == uninterrupted_epochs
    assert second.evaluate().metrics == uninterrupted.evaluate().metrics
    for a, b in zip(uninterrupted.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_same_config_trains_the_same_network_twice() -> None:
    one, two = training(config()), training(config())
    assert one.train_epoch() == two.train_epoch()
    other = training(config(seed=1))
    assert other.train_epoch() != one.train_epoch()


WILD: dict[str, float | str] = {"optim/optimizer": "sgd", "optim/lr": 1e30}


def test_a_loss_that_is_not_finite_ends_the_trial_with_its_terms() -> None:
    run = training(config(**WILD))
    outcome = run.train_epoch()
    assert isinstance(outcome, Diverged)
    assert (outcome.epoch, outcome.step) == (1, 2)  # the first step still had sound weights
    assert set(outcome.terms) == {"cross_entropy", "boundary_cross_entropy", "inverse_form"}
    assert "epoch 1, step 2" in str(outcome)


def test_the_boundary_head_is_there_only_where_a_loss_needs_it() -> None:
    off: dict[str, float | str] = {"loss/beta": 0.0, "loss/gamma": 0.0}
    plain = training(config(**off))
    with_head = training(config())
    assert plain.network.boundary_head is None
    images = torch.rand(1, 3, 32, 48)
    with_head.network.train()
    assert with_head.network(images).boundary_logits_BHW.shape == (1, 32, 48)
    with_head.network.eval()
    assert with_head.network(images).boundary_logits_BHW is None


def test_training_improves_on_its_start() -> None:
    """Not a benchmark: the loss falls by a third in twenty passes over ten scenes."""
    run = training(config(**{"epochs": 20, "optim/lr": 0.01}))
    history = [run.train_epoch() for _ in range(20)]
    first, last = history[0], history[-1]
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert last["train/cross_entropy"] < first["train/cross_entropy"] * 2 / 3


def test_more_ranks_than_images_per_step_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.training.training.num_ranks", lambda: 8)
    with pytest.raises(ValueError, match="batch must be at least the 8 ranks, got 5"):
        training(config())


@pytest.mark.parametrize("activation", [nn.Identity, nn.ReLU])
def test_the_global_batch_norm_is_the_plain_one_on_one_rank(
    activation: Callable[[], nn.Module],
) -> None:
    from trainables.networks.batch_norm import GlobalBatchNorm2d, make_global

    plain = nn.BatchNorm2d(3)
    nn.init.uniform_(plain.weight)
    plain.act = activation()
    adopted = make_global(nn.Sequential(plain))[0]  # type: ignore[index]
    assert isinstance(adopted, GlobalBatchNorm2d)
    x: Tensor = torch.randn(4, 3, 5, 5)
    assert torch.equal(adopted(x), plain.act(nn.BatchNorm2d.forward(plain, x)))
