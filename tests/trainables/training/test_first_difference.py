"""Two trainings are the same up to the epoch that ``first_difference`` names, bit by bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.processes import on_ranks
from tests.trainables.training.test_training import CPU, config, dataset
from trainables.config import LossConfig, TrialConfig
from trainables.losses.compose import TERMS, Learned, Prediction, Target
from trainables.stages.registry import untrained
from trainables.training.first_difference import READ_BY, first_difference, shared_metrics
from trainables.training.training import Training

PLAIN: dict[str, float | str] = {"loss/beta": 0.0, "loss/gamma": 0.0, "epochs": 5}
LATE: dict[str, float | str] = {"loss/w_a": 1.0, "loss/schedule": "w_a from 0.8"}


def of(**changes: float | str) -> TrialConfig:
    return config(**{**PLAIN, **changes})


@pytest.mark.parametrize(
    ("a", "b", "epochs"),
    [
        ({}, LATE, 4),
        ({}, {}, 5),
        ({}, {**LATE, "epochs": 4}, 0),
        ({"epochs": 4}, {**LATE, "epochs": 4}, 3),
        (LATE, {**LATE, "loss/schedule": "w_a from 0.5"}, 2),
        (LATE, {**LATE, "loss/w_a": 2.0}, 4),
        (LATE, {**LATE, "loss/theta": 5.0}, 4),
        ({}, {"loss/theta": 5.0}, 5),
        ({"loss/w_a": 1.0}, {"loss/w_a": 1.0, "loss/theta": 5.0}, 0),
        ({}, {"loss/w_a": 1.0, "loss/schedule": "w_a linear 0 1"}, 0),
        ({}, {"loss/w_a": 1.0, "loss/alpha": "stealing"}, 0),
        ({"loss/fkl": 1.0}, {"loss/fkl": 1.0, "loss/ar": 1.0, "loss/schedule": "ar from 0.4"}, 2),
        ({}, {**LATE, "loss/variant": "released"}, 0),
        ({}, {**LATE, "optim/lr": 0.1}, 0),
        ({}, {**LATE, "seed": 1}, 0),
        ({}, {**LATE, "eval/flip": "true"}, 0),
        ({}, {"loss/beta": 1.0, "loss/schedule": "beta from 0.8"}, 0),
        ({}, {"loss/lambda_2": 1.0, "loss/schedule": "edge from 0.8"}, 0),
        ({"eval/checkpoint": "best"}, {**LATE, "eval/checkpoint": "best"}, 0),
    ],
)  # fmt: skip
def test_trainings_differ_from_the_epoch_in_which_a_term_first_has_weight(
    a: dict[str, float | str], b: dict[str, float | str], epochs: int
) -> None:
    one, other = (
        of(**{path: value == "true" if path == "eval/flip" else value for path, value in x.items()})
        for x in (a, b)
    )
    assert first_difference(one, other) == first_difference(other, one) == epochs


class Reads:
    """A loss's config that notes which fields are read."""

    def __init__(self, loss: LossConfig) -> None:
        self.loss, self.read = loss, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.loss, name)


@pytest.mark.parametrize("name", TERMS)
def test_no_term_reads_a_field_that_is_said_to_be_anothers(name: str) -> None:
    whole = config(**{"loss/lambda_2": 1.0, "loss/tile": 8, "data/height": 16, "data/width": 16})
    learned = untrained(whole, 3)
    torch.manual_seed(0)
    prediction = Prediction(torch.randn(1, 3, 16, 16), torch.randn(1, 16, 16))
    target = Target(torch.randint(0, 3, (1, 16, 16)), 3)
    reads = Reads(whole.loss)
    TERMS[name].compute(reads, prediction, target, learned)  # type: ignore[arg-type]
    TERMS[name].weight(reads)  # type: ignore[arg-type]
    TERMS[name].head(reads)  # type: ignore[arg-type]
    assert {path for path in reads.read if path in READ_BY} == {
        path for path, terms in READ_BY.items() if name in terms
    }


SMALL: dict[str, float | str] = {
    "data/train_images": 4,
    "data/val_images": 2,
    "batch": 2,
    "epochs": 3,
}


def start(trial_config: TrialConfig) -> Training:
    return Training(trial_config, dataset(trial_config), Learned(), CPU)


def epochs_of(run: Training, last: int) -> Iterator[dict[str, float | None]]:
    """The metrics of each epoch, as the lane's ranks report them."""
    while run.epoch < last:
        trained = run.train_epoch()
        assert isinstance(trained, dict)
        found = run.evaluate(with_terms=True)
        yield {**found.metrics, **trained, "val/loss": found.loss, **found.terms}


@pytest.mark.parametrize(
    ("late", "of_both"),
    [
        (LATE, {"eval/terms": "active_boundary"}),
        ({**LATE, "loss/theta": 5.0}, {"optim/ema": 0.5, "optim/precision": "bf16"}),
        ({"loss/ar": 1.0, "loss/schedule": "ar from 0.8"}, {"loss/fkl": 1.0}),
    ],
)
def test_a_training_from_the_twins_checkpoint_is_that_from_scratch(
    late: dict[str, float | str], of_both: dict[str, float | str]
) -> None:
    """The network's weights and every metric, but a later term's validation, which is left out."""
    twin, own = of(**SMALL, **of_both), of(**SMALL, **of_both, **late)
    common = first_difference(twin, own)
    first, scratch, shared = start(twin), start(own), start(own)
    before = list(epochs_of(first, common))
    shared.load(first.save())
    reported = [shared_metrics(metrics, twin, own) for metrics in before]
    reported += epochs_of(shared, 3)
    expected = list(epochs_of(scratch, 3))
    left_out = set(expected[0]) - set(reported[0])
    assert left_out == (set() if "eval/terms" in of_both else {f"val/{_term(late)}"})
    for number, metrics in enumerate(expected):
        missing = left_out if number < common else set()
        assert {k: v for k, v in metrics.items() if k not in missing} == reported[number]
    assert common == 2
    for a, b in zip(scratch.network.parameters(), shared.network.parameters(), strict=True):
        assert torch.equal(a, b)


def _term(late: dict[str, float | str]) -> str:
    return "active_boundary" if "loss/w_a" in late else "affinity_regression"


def _rank_main(rank: int, ranks: int, folder: str) -> None:
    torch.set_num_threads(1)
    twin, own = of(**SMALL), of(**SMALL, **LATE)
    first, scratch, shared = start(twin), start(own), start(own)
    list(epochs_of(first, 2))
    state = [first.save()]
    torch.distributed.broadcast_object_list(state)
    shared.load(state[0])
    last = list(epochs_of(shared, 3))[-1], list(epochs_of(scratch, 3))[-1]
    weights = [list(run.network.state_dict().values()) for run in (shared, scratch)]
    same = all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    if rank == 0:
        torch.save({"same": same and last[0] == last[1]}, f"{folder}/result.pt")


def test_two_ranks_share_epochs_exactly(tmp_path: Path) -> None:
    on_ranks(2, tmp_path, _rank_main, 2, str(tmp_path))
    assert torch.load(tmp_path / "result.pt", weights_only=True)["same"]
