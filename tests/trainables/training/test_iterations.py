"""Loss terms by iteration: which are kept, and that they are the training's own."""

import pytest
import torch

from tests.trainables.training.test_training import config, training
from trainables.training.epoch_summary import points
from trainables.training.iterations import POINTS, Iterations, kept

SMALL: dict[str, float | str] = {
    "data/train_images": 6,
    "batch": 3,
    "epochs": 2,
    "data/height": 16,
    "data/width": 16,
    "loss/beta": 0.0,
    "loss/gamma": 0.0,
    "loss/ar": 0.1,
}


@pytest.mark.parametrize("batches", [[1], [199, 1], [7, 7, 9], [100, 101], [3000] * 7, [2, 901, 5]])
def test_few_iterations_are_kept_at_even_distances(batches: list[int]) -> None:
    at = [place for epoch in range(len(batches)) for place in kept(epoch + 1, batches)]
    step = at[0]
    assert at == list(range(step, sum(batches) + 1, step))
    assert len(at) <= POINTS
    assert step == 1 or sum(batches) // (step - 1) > POINTS  # no smaller step would do
    for epoch, count in enumerate(batches):
        before = sum(batches[:epoch])
        assert all(before < place <= before + count for place in kept(epoch + 1, batches))


def test_points_are_the_terms_whose_mean_the_epoch_has() -> None:
    run = training(config(**SMALL))
    means = run.train_epoch()
    assert isinstance(means, dict)
    assert list(run.iterations.at) == list(range(1, run.batches[0] + 1))
    assert {f"train/{name}" for name in run.iterations.terms} == set(means)
    for name, values in run.iterations.terms.items():
        assert None not in values
        mean = sum(value for value in values if value is not None) / len(values)
        assert mean == pytest.approx(means[f"train/{name}"], rel=1e-5)


def test_points_of_a_later_epoch_are_its_own_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.training.iterations.POINTS", 4)
    history = torch.tensor([[0.1, 10.0], [0.2, 20.0], [0.3, 30.0], [0.4, 1 / 3]])
    computed = [set[str](), {"ar"}, {"ar"}, {"ar"}]
    found = points(history, ["ar"], computed, epoch=2, batches=[3, 4, 1])
    # Of eight iterations every second one: 4 and 6 are the first and the third of the epoch.
    assert found == Iterations(at=[4, 6], terms={"loss": [0.1, 0.3], "ar": [None, 30.0]})
    (third,) = points(history[3:], ["ar"], computed[3:], 3, [3, 4, 1]).terms["ar"]
    assert third == 0.333333  # six digits


def test_a_term_has_no_value_before_it_starts() -> None:
    run = training(config(**SMALL, **{"loss/schedule": "ar from 0.75"}))
    curve: list[float | None] = []
    for _ in range(2):
        run.train_epoch()
        curve += run.iterations.terms["affinity_regression"]
    assert curve[:3] == [None] * 3  # of four batches
    assert curve[3] is not None
    assert curve[3] > 0
