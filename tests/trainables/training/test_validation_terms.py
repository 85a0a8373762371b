"""Loss terms on validation: their value, what is measured, and ranks, batches and resumes."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.processes import on_ranks
from trainables.config import LossConfig, TrialConfig, Value
from trainables.data import load
from trainables.data.batch import Batch
from trainables.losses.affinity_regression import affinity_regression
from trainables.losses.batch import Learned
from trainables.losses.compose import measured_terms
from trainables.losses.cross_entropy import cross_entropy
from trainables.losses.term import LossTerm
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.training import Training
from trainables.training.validation_terms import ListTerms, ValidationTerms

CPU = torch.device("cpu")
SMALL: dict[str, Value] = {
    "data/dataset": "shapes",
    "data/height": 32,
    "data/width": 32,
    "data/train_images": 4,
    "data/val_images": 5,
    "data/test_images": 1,
    "batch": 4,
    "epochs": 1,
}


NO_ABL: dict[str, Value] = {"loss/w_a": 0.0}


def trained(**changes: Value) -> Training:
    config = TrialConfig().changed({**SMALL, "loss/ar": 0.1, "loss/w_a": 1.0, **changes})
    training = Training(config, load(config.data), Learned(), CPU)
    training.train_epoch()
    return training


def test_a_term_is_the_sum_of_totals_over_the_sum_of_counts() -> None:
    training = trained()
    images = training.dataset.splits["val"]
    labels_NHW = torch.from_numpy(images.labels_NHW.astype("int64"))

    found = training.evaluate(with_terms=True)

    logits = list(training.scores("val", range(5)))
    terms = [affinity_regression(one, labels_NHW[row : row + 1]) for row, one in enumerate(logits)]
    expected = sum(term.total for term in terms) / sum(term.count for term in terms)
    assert found.terms.keys() == {"val/active_boundary", "val/affinity_regression"}
    assert found.terms["val/affinity_regression"] == pytest.approx(float(expected), rel=1e-5)
    assert not training.evaluate().terms


def test_cross_entropy_is_the_validation_loss() -> None:
    found = trained(**{"eval/terms": "cross_entropy"}).evaluate(with_terms=True)

    assert found.terms["val/cross_entropy"] == pytest.approx(found.loss, rel=1e-6)


def _rank(rank: int, folder: str) -> None:
    torch.save(trained(**NO_ABL).evaluate(with_terms=True).terms, f"{folder}/rank{rank}")


@pytest.mark.parametrize("ranks", [2])
def test_ranks_measure_the_terms_of_one(tmp_path: Path, ranks: int) -> None:
    on_ranks(ranks, tmp_path, _rank, str(tmp_path))

    alone = trained(**NO_ABL).evaluate(with_terms=True).terms
    assert alone.keys() == {"val/affinity_regression"}
    for rank in range(ranks):
        assert torch.load(tmp_path / f"rank{rank}") == pytest.approx(alone, rel=1e-4)


def test_measured_terms_are_the_trained_and_the_requested_ones() -> None:
    loss = LossConfig(w_a=1.0)

    assert measured_terms(loss, "") == ["active_boundary"]
    assert measured_terms(LossConfig(class_weights="frequency"), "") == ["cross_entropy"]
    assert measured_terms(loss, "affinity_regression, lovasz") == [
        "active_boundary",
        "affinity_regression",
        "lovasz",
    ]
    assert measured_terms(loss, "none") == []
    assert measured_terms(LossConfig(beta=1.0), "boundary_cross_entropy") == [
        "boundary_cross_entropy"
    ]


@pytest.mark.parametrize("name", ["ar", "inverse_form", "boundary_cross_entropy", "edge"])
def test_a_term_that_cannot_be_measured_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"eval/terms must be .*, got '{name}'"):
        measured_terms(LossConfig(), name)


def _table() -> ListTerms:
    def measure(output: SegmenterOutput, batch: Batch) -> dict[str, LossTerm]:
        return {"cross_entropy": cross_entropy(output.logits_BKHW, batch.labels_BHW)}

    return ListTerms(measure, ["cross_entropy"], 1, CPU)


def _batch(images_BCHW: Tensor) -> Batch:
    return Batch(images_BCHW, torch.zeros(1, 4, 4).long(), {})


def test_a_prediction_that_is_not_finite_is_nan_and_raises_nothing() -> None:
    table = _table()
    lost = SegmenterOutput(torch.full((1, 2, 4, 4), torch.nan), None)
    table.add(0, lost, _batch(torch.zeros(1, 1, 4, 4)))

    assert math.isnan(table.means()["val/cross_entropy"])


@pytest.mark.parametrize(("scales", "calls"), [((1,), 1), ((1, 1), 3), ((2,), 2)])
def test_images_are_predicted_again_where_the_evaluation_does_it_otherwise(
    scales: tuple[int, ...], calls: int
) -> None:
    """Mirrored, or at another size: the terms are of the image as it is."""
    seen = []

    def forward(images_BCHW: Tensor) -> SegmenterOutput:
        seen.append(images_BCHW.shape)
        return SegmenterOutput(torch.cat((images_BCHW, -images_BCHW), dim=1), None, ())

    table, images = _table(), torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    terms = ValidationTerms(forward, table)
    for scale in scales:
        terms.predict(torch.nn.functional.interpolate(images, scale_factor=scale))
    terms.observe(torch.arange(1).numpy(), _batch(images))

    expected = -torch.log_softmax(torch.cat((images, -images), dim=1), dim=1)[:, 0].mean()
    assert table.means()["val/cross_entropy"] == pytest.approx(float(expected), rel=1e-5)
    assert len(seen) == calls


def test_a_boundary_head_is_measured_on_validation_too() -> None:
    training = trained(**{**NO_ABL, "loss/ar": 0.0, "loss/beta": 1.0})
    found = training.evaluate(with_terms=True)
    assert math.isfinite(found.terms["val/boundary_cross_entropy"])
    plain = training.evaluate()
    assert (found.metrics, found.loss) == (plain.metrics, plain.loss)
