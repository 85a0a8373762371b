"""The test of a network is refined, and nothing else of its trial."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.config import TrialConfig, Value, flatten
from trainables.config.refine import DenseCRFConfig
from trainables.data import Dataset, load
from trainables.data.batches import to_tensors
from trainables.lane.refiner import Refiner, refiner_of, saved_refiner_of
from trainables.losses.batch import Learned
from trainables.refinement.dense_crf import dense_crf
from trainables.training import crf_settings, restore
from trainables.training.crf_settings import settings_of
from trainables.training.prediction import Predictor
from trainables.training.refinement import Refinement, RefinementError
from trainables.training.training import Training

CPU = torch.device("cpu")
SMALL: dict[str, Value] = {
    **{"data/height": 24, "data/width": 32, "data/train_images": 2, "data/val_images": 3},
    **{"data/test_images": 3, "model/width": 4, "epochs": 1, "batch": 2},
    **{"refine/method": "dense_crf", "dense_crf/tried": 3, "dense_crf/steps": 2},
}


@pytest.fixture(scope="module")
def training() -> Training:
    torch.set_num_threads(1)
    config = TrialConfig().changed(SMALL)
    return Training(config, load(config.data), Learned(), CPU)


@pytest.fixture(scope="module")
def data(training: Training) -> Dataset:
    return training.dataset


def measured(training: Training, data: Dataset, **changes: Value) -> restore.Measured:
    config = flatten(training.config.changed({"dense_crf/tried": 1, **changes}))
    prepare = Refiner("", "", ("miou", "max"))
    found = restore.measure(config, training.save(), data, "cpu", None, prepare)
    assert isinstance(found, restore.Measured)
    return found


def inverted(images_BCHW: Tensor, logits_BKHW: Tensor) -> Tensor:
    """A refinement that chooses the least probable class."""
    assert images_BCHW.shape[-2:] == logits_BKHW.shape[-2:]
    return -logits_BKHW


def test_counts_predictions_and_loss_are_of_the_refined_maps(training: Training) -> None:
    plain, refined = training.evaluate("test"), training.evaluate("test", refine=inverted)
    assert refined.loss > plain.loss
    for row, (logits_1KHW, map_HW) in enumerate(
        zip(training.scores("test", [0, 1], inverted), refined.predictions, strict=False)
    ):
        assert np.array_equal(map_HW, logits_1KHW[0].argmax(dim=0))
        assert not np.array_equal(map_HW, plain.predictions[row])
    assert not torch.equal(plain.confusion_KK, refined.confusion_KK)
    assert refined.metrics["ece"] != plain.metrics["ece"]


def test_measure_refines_and_validation_does_not(training: Training, data: Dataset) -> None:
    plain = measured(training, data, **{"refine/method": "none"})
    refined = measured(training, data)
    alone = training.evaluate("test").metrics
    np.testing.assert_equal(plain.metrics, {f"test_{name}": alone[name] for name in alone})
    assert refined.metrics["test_brier"] != plain.metrics["test_brier"]
    assert refined.refinement == plain.refinement == Refinement()
    other = replace(training.config, refine=TrialConfig().refine)
    unrefined = Training(other, data, Learned(), CPU).evaluate()
    np.testing.assert_equal(unrefined.metrics, training.evaluate().metrics)


def test_why_there_is_no_refinement_is_said(training: Training, data: Dataset) -> None:
    def prepare(_: Training) -> Refinement:
        raise ValueError("segfix/variant must be paper where the released loss is nan")

    given = flatten(training.config), training.save(), data, "cpu", None, prepare
    found = restore.measure(*given)
    assert isinstance(found, RefinementError)
    assert str(found).startswith("no refinement by dense_crf: segfix/variant must be paper")


def test_the_best_setting_of_the_validation_list_is_applied(
    training: Training, data: Dataset
) -> None:
    values = {
        setting: training.evaluate("val", refine=dense_crf(setting)).loss
        for setting in settings_of(training.config.dense_crf)
    }
    assert len(set(values.values())) == 3
    for mode, choose in (("min", min), ("max", max)):
        best = choose(values, key=lambda setting: values[setting])
        found = crf_settings.choose(training, "val/loss", mode)
        assert found.value == values[best]
        assert found.chosen["dense_crf/appearance_srgb"] == best.appearance_srgb
        chosen = training.config.changed(found.chosen)
        assert chosen.dense_crf == replace(best, tried=1)
    tried = measured(training, data, **{"dense_crf/tried": 3})
    again = measured(training, data, **tried.refinement.chosen)
    np.testing.assert_equal(tried.metrics, again.metrics)
    assert tried.refinement.value is not None
    assert again.refinement.value is None


def test_settings_are_seeded_and_different() -> None:
    given = DenseCRFConfig(tried=9, steps=3)
    settings = settings_of(given)
    assert settings[0] == given
    assert len(set(settings)) == 9
    assert settings == settings_of(given)
    assert settings != settings_of(replace(given, seed=1))
    assert {setting.steps for setting in settings} == {3}
    assert len(settings_of(replace(given, tried=1000))) == 252


def test_gallery_and_predictor_have_the_maps_of_the_test(training: Training, data: Dataset) -> None:
    config = training.config.changed({"dense_crf/tried": 1})
    prepare = Refiner("", "", ("miou", "max"))
    state = training.save()
    seen = restore.look("it", flatten(config), state, data, [0, 2], "cpu", None, prepare)
    refined = refiner_of(config, data, Path(), "", CPU)
    assert refined is not None
    expected = training.evaluate("test", refine=refined).predictions
    assert np.array_equal(seen.predicted[0], expected[0])
    assert np.array_equal(seen.predicted[1], expected[2])

    with pytest.raises(ValueError, match=r"dense_crf/tried must be 1 for a network without a test"):
        saved_refiner_of(training.config, {}, CPU)

    images = [np.asarray(image) for image in data.splits["test"].images_NHWC]
    refine = saved_refiner_of(config, {}, CPU)
    predictor = Predictor(training.network, config, CPU, refine)
    for (_, labels_HW), map_HW in zip(predictor.label_maps(images), expected, strict=False):
        assert np.array_equal(labels_HW, map_HW)
    plain = [labels for _, labels in Predictor(training.network, config, CPU).label_maps(images)]
    assert not all(map(np.array_equal, plain, expected))
    larger = np.repeat(np.repeat(images[0], 2, axis=0), 2, axis=1)
    ((_, labels_HW),) = predictor.label_maps([larger])
    assert labels_HW.shape == (48, 64)


@pytest.mark.parametrize("method", ["dense_crf", "segfix"])
def test_refinement_sees_the_image_alone_where_maps_follow_it(method: str, tmp_path: Path) -> None:
    small = {
        **SMALL,
        "dense_crf/tried": 1,
        "segfix/steps": 1,
        "segfix/width": 2,
        "segfix/crop": 32,
        "segfix/batch": 1,
    }
    config = TrialConfig().changed(
        {**small, "data/inputs": "depth,normals", "refine/method": method}
    )
    data = load(config.data)
    refine = refiner_of(config, data, tmp_path, "", CPU)
    files = {path.name: path.read_bytes() for path in tmp_path.glob("segfix-*.pt")}
    later = saved_refiner_of(config, files, CPU)
    assert refine is not None
    assert later is not None
    images_BCHW = to_tensors(
        data.for_inputs(config.data.input_names).splits["test"], [0]
    ).images_BCHW
    logits_BKHW = torch.randn(1, data.num_classes, *images_BCHW.shape[-2:])
    alone = TrialConfig().changed({**small, "refine/method": method})
    of_photographs = saved_refiner_of(alone, files, CPU)
    assert of_photographs is not None
    expected_BKHW = of_photographs(images_BCHW[:, :3], logits_BKHW)
    assert images_BCHW.shape[1] == 7
    assert torch.equal(refine(images_BCHW, logits_BKHW), expected_BKHW)
    assert torch.equal(later(images_BCHW, logits_BKHW), expected_BKHW)


def test_settings_are_chosen_by_the_image_alone_where_maps_follow_it() -> None:
    config = TrialConfig().changed({**SMALL, "data/inputs": "depth"})
    training = Training(config, load(config.data), Learned(), CPU)
    found = crf_settings.choose(training, "miou", "max")
    images_BCHW = to_tensors(training.dataset.splits["val"], [0]).images_BCHW
    logits_BKHW = torch.randn(1, 6, *images_BCHW.shape[-2:])
    alone = dense_crf(config.changed(found.chosen).dense_crf)
    expected_BKHW = alone(images_BCHW[:, :3], logits_BKHW)
    assert images_BCHW.shape[1] == 4
    assert found.refine is not None
    assert torch.equal(found.refine(images_BCHW, logits_BKHW), expected_BKHW)


def test_without_segmentation_there_is_nothing_to_refine() -> None:
    with pytest.raises(ValueError, match=r"refine/method must be none without the task semseg"):
        TrialConfig().changed(
            {"refine/method": "dense_crf", "task/tasks": "depth", "data/targets": "depth"}
        )
