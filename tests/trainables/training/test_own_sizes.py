"""PASCAL VOC's images of four sizes: predicted and measured at their own, whatever the ranks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.processes import on_ranks
from trainables.config import TrialConfig, Value
from trainables.data import load
from trainables.data.batches import to_tensors
from trainables.losses.batch import Learned
from trainables.metrics.inference import resize
from trainables.training.training import Training

CLASSES = 21


def config(root: Path, **changes: float | str) -> TrialConfig:
    base: dict[str, float | str] = {
        "data/dataset": "voc2012",
        "data/root": str(root),
        "data/train_list": "val",
        "data/crop_height": 64,
        "data/crop_width": 64,
        "model/width": 4,
        "batch": 4,
        "epochs": 2,
    }
    return TrialConfig().changed({**base, **changes})


def trained(trial: TrialConfig) -> Training:
    """Random weights, with a bias to the background that half of the pixels follow."""
    torch.set_num_threads(1)
    training = Training(trial, load(trial.data), Learned(), torch.device("cpu"))
    classifier = training.network.network.classifier
    assert isinstance(classifier, torch.nn.Conv2d)
    assert classifier.bias is not None
    classifier.bias.data[0] += 1.0
    return training


def evaluated(rank: int, folder: str, name: str, trial: TrialConfig) -> None:
    found = trained(trial).evaluate("test")
    if rank == 0:
        kept = {"metrics": found.metrics, "counts": list(found.counts), "loss": found.loss}
        pictures = [torch.from_numpy(map_HW) for map_HW in found.predictions]
        torch.save({**kept, "predictions": pictures}, f"{folder}/{name}.pt")


def brute_force(training: Training, root: Path) -> tuple[dict[str, float], list[torch.Tensor]]:
    """mIoU and pixel accuracy of each file as it is, by a plain confusion matrix."""
    folder, confusion, maps = root / "VOCdevkit" / "VOC2012", np.zeros((CLASSES, CLASSES)), []
    training.network.eval()
    for name in (folder / "ImageSets/Segmentation/val.txt").read_text().split():
        image = np.asarray(Image.open(folder / f"JPEGImages/{name}.jpg").convert("RGB"))
        labels = np.asarray(Image.open(folder / f"SegmentationClass/{name}.png"))
        with torch.no_grad():
            pixels = torch.from_numpy(image[None].copy()).permute(0, 3, 1, 2).float() / 255
            predicted = training.network(pixels).logits_BKHW[0].argmax(dim=0)
        assert tuple(predicted.shape) == labels.shape
        maps.append(predicted.to(torch.uint8))
        valid = labels != 255
        np.add.at(confusion, (labels[valid], predicted.numpy()[valid]), 1)
    hits, union = confusion.diagonal(), confusion.sum(0) + confusion.sum(1) - confusion.diagonal()
    miou = np.mean(hits[union > 0] / union[union > 0])
    return {"miou": float(miou), "pixel_accuracy": float(hits.sum() / confusion.sum())}, maps


@pytest.fixture
def voc(real_data: Path) -> Path:
    return real_data / "voc2012"


def test_metrics_are_those_of_the_files_as_they_are(voc: Path, tmp_path: Path) -> None:
    """On one and three ranks, in batches of one and of four, streamed and cached."""
    trial = config(voc)
    training = trained(trial)
    assert len(set(map(tuple, training.dataset.splits["test"].sizes_N2))) == 4
    expected, maps = brute_force(training, voc)
    assert expected["pixel_accuracy"] > 0.3
    variants: dict[str, dict[str, Value]] = {
        "batch 1": {"batch": 1},
        "streamed": {"data/cache": "off"},
    }
    evaluated(0, str(tmp_path), "batch 4", trial)
    for name, changes in variants.items():
        evaluated(0, str(tmp_path), name, trial.changed(changes))
    on_ranks(3, tmp_path, evaluated, str(tmp_path), "3 ranks", trial)
    found = {path.stem: torch.load(path) for path in sorted(tmp_path.glob("*.pt"))}
    assert set(found) == {"batch 4", *variants, "3 ranks"}
    for name, one in found.items():
        assert {key: one["metrics"][key] for key in expected} == pytest.approx(expected), name
        assert all(map(torch.equal, one["predictions"], maps)), name
        assert all(map(torch.equal, one["counts"], found["batch 4"]["counts"])), name
        assert one["loss"] == pytest.approx(found["batch 4"]["loss"], rel=1e-6), name


def test_a_trial_on_crops_resumes_as_if_it_had_not_stopped(voc: Path) -> None:
    whole, cut = trained(config(voc)), trained(config(voc))
    whole.train_epoch()
    cut.train_epoch()
    resumed = trained(config(voc))
    resumed.load(cut.save())
    assert whole.train_epoch() == resumed.train_epoch()
    assert whole.evaluate().metrics == resumed.evaluate().metrics


def test_resized_labels_give_other_figures(voc: Path) -> None:
    """What a resize would silently change: here most of the pixels that are counted."""
    own = trained(config(voc)).evaluate("test").counts.overlap_NK3[:, :, [0, 2]].sum()
    small = config(voc, **{"data/height": 100, "data/width": 100})
    assert trained(small).evaluate("test").counts.overlap_NK3[:, :, [0, 2]].sum() < own / 10


def test_the_test_and_validation_follow_their_protocols(voc: Path) -> None:
    """The gallery's single images, too; a loop by hand is the measure."""
    few: dict[str, float | str] = {"data/val_images": 2, "data/test_images": 2}
    paper: dict[str, float | str] = {
        "eval/scales": "0.5,1",
        "eval/flip": True,
        "eval/window": "200x300",
        "eval/stride": "150x200",
    }
    cheap: dict[str, float | str] = {
        "eval/val_scales": "1",
        "eval/val_flip": "off",
        "eval/val_window": "whole",
    }
    run, plain = trained(config(voc, **few, **paper, **cheap)), trained(config(voc, **few))
    assert all(map(np.array_equal, run.evaluate().predictions, plain.evaluate().predictions))

    tested = run.evaluate("test")
    assert not np.array_equal(tested.predictions[0], plain.evaluate("test").predictions[0])
    images = run.dataset.splits["test"]
    with torch.no_grad():
        for row, shown in enumerate(run.scores("test", [0, 1])):
            expected = by_hand(run, to_tensors(images, [row])[0])
            torch.testing.assert_close(shown.exp(), expected, rtol=1e-4, atol=1e-6)
            assert np.array_equal(tested.predictions[row], shown[0].argmax(dim=0))


def by_hand(run: Training, image_1CHW: torch.Tensor) -> torch.Tensor:
    """(1,K,H,W): mean over two scales and mirrors; at full size, windows of 200x300, every
    150x200. The half-size image fits in a window."""
    size = (image_1CHW.shape[2], image_1CHW.shape[3])
    total = torch.zeros(1, CLASSES, *size)
    for scale in (0.5, 1.0):
        for flip in (False, True):
            view = resize(image_1CHW, (round(scale * size[0]), round(scale * size[1])))
            view = view.flip(-1) if flip else view
            rows, columns = view.shape[-2:]
            if scale == 0.5:
                share = resize(run.network(view).logits_BKHW, size).softmax(dim=1)
                total += share.flip(-1) if flip else share
                continue
            share, times = torch.zeros(1, CLASSES, rows, columns), torch.zeros(rows, columns)
            for top in sorted({min(top, max(rows - 200, 0)) for top in range(0, rows, 150)}):
                for left in sorted(
                    {min(at, max(columns - 300, 0)) for at in range(0, columns, 200)}
                ):
                    cut = (..., slice(top, top + 200), slice(left, left + 300))
                    share[cut] += run.network(view[cut]).logits_BKHW.softmax(dim=1)
                    times[cut] += 1
            share = share / times
            total += share.flip(-1) if flip else share
    return total / 4
