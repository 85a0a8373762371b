"""Pictures of the worst test images, from real networks; Ray's remote call runs in this process."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from study.execution import test_evaluation
from study.ledger.trial_record import TrialRecord
from study.reporting.pictures import affinity, gallery, overlay, pairs, trimaps
from tests.study import fake
from trainables.config import TrialConfig, flatten
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training import checkpoint, restore
from trainables.training.training import Training


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run ``ray.remote`` functions in this process, without Ray."""

    def remote(**resources: float) -> Callable[[Callable[..., object]], SimpleNamespace]:
        return lambda call: SimpleNamespace(remote=call)

    instead = SimpleNamespace(remote=remote, get=lambda found: found)
    monkeypatch.setattr(test_evaluation, "ray", instead)


def test_every_chosen_image_is_drawn_with_every_network(tmp_path: Path, here: None) -> None:
    flat = {
        "data/height": 24,
        "data/width": 32,
        "data/train_images": 2,
        "data/val_images": 1,
        "data/test_images": 3,
        "model/width": 4,
        "batch": 2,
        "loss/ar": 0.1,
    }
    config = TrialConfig().changed(flat)
    dataset = load(config.data)
    state = Training(config, dataset, Learned(), torch.device("cpu")).save()
    folder = tmp_path / "checkpoint_000000"
    folder.mkdir()
    checkpoint.write(folder, 1, state, dataset.splits["test"].labels_NHW, b"")
    newest = checkpoint.read(folder)
    trials = [
        TrialRecord(number=number, id="", params={}, config=flatten(config), cell=cell)
        for number, cell in enumerate(("plain", "ar"))
    ]
    evaluation = test_evaluation.ClusterEvaluation(fake.plan(tmp_path), dataset)
    pair = pairs.Differing(gains=[1], losses=[0])
    scores = {trial.number: torch.tensor([0.5, 0.25, 1.0]) for trial in trials}
    chosen = gallery.Chosen(trials, [2, 0], trials, pair, scores)
    seen = evaluation.look(trials, lambda trial: newest.state(), chosen.rows)
    assert [picture.name for picture in seen] == ["plain", "ar"]
    gallery.draw(chosen, seen, dataset, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    images = dataset.splits["test"].names
    assert names == [
        "affinity.png",
        f"gain-1-{images[1]}.png",
        f"loss-1-{images[0]}.png",
        "trimap.png",
        f"worst-1-{images[2]}.png",
        f"worst-2-{images[0]}.png",
    ]
    with Image.open(tmp_path / "out" / names[4]) as sheet:
        pixels = np.asarray(sheet)[18:]  # below the caption
    assert pixels.shape == (240, 4 * 320, 3)  # image, truth, two networks; ten times as large
    assert (pixels[::10, 0:320:10] == dataset.splits["test"].images_NHWC[2]).all()


def test_affinities_of_both_grids_are_those_of_a_brute_force() -> None:
    """Affinity Regression, Eq. 5 and 6: p_i . p_j of square roots, 1 where labels agree."""
    generator = torch.Generator().manual_seed(0)
    labels_HW = np.random.default_rng(0).integers(0, 3, (24, 36)).astype(np.uint8)
    labels_HW[0, 0] = 255
    logits = torch.randn(1, 3, 24, 36, generator=generator)
    found = restore.affinities_of(logits, labels_HW)
    assert {side: maps.true_LL.shape for side, maps in found.items()} == {
        12: (144, 144),
        6: (36, 36),
    }
    for side, maps in found.items():
        rows, columns = 24 // side, 36 // side
        classes = [labels_HW[r * rows, c * columns] for r in range(side) for c in range(side)]
        for first, second in ((1, 2), (5, 30), (7, 7)):
            assert maps.true_LL[first, second] == float(classes[first] == classes[second])
        assert np.isnan(maps.true_LL[0]).all(), "the first place is void"
        assert np.isnan(maps.predicted_LL[:, 0]).all()


def test_the_affinity_figure_has_a_row_for_each_grid() -> None:
    eye = {side: np.eye(side**2, dtype=np.float32) for side in (12, 6)}
    half = {
        side: restore.Affinities(np.full_like(map_LL, 0.5), map_LL) for side, map_LL in eye.items()
    }
    figure = affinity.figure([("a", half)], "x")
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        "labels",
        "a\nsquared error 0.250",
        "labels",
        "a\nsquared error 0.250",
    ]


def test_images_differ_most_in_both_directions() -> None:
    first = torch.tensor([0.5, 0.5, 0.5, 0.5, torch.nan, 0.5, 0.9])
    second = torch.tensor([0.9, 0.4, 0.5, 0.2, 0.9, 0.6, 1.0])
    # differences: 0.4 -0.1 0 -0.3 - 0.1 0.1
    assert pairs.differing(first, second) == ([0, 6], [3, 1])
    assert pairs.differing(first, first) == ([], [])


def test_holes_are_what_a_region_encloses_and_the_truth_has_not() -> None:
    labels = np.ones((9, 9), np.uint8)
    labels[6, 6] = 0  # a true hole
    predicted = labels.copy()
    predicted[2:4, 2] = 0  # two pixels, enclosed
    predicted[0, 5] = 0  # open to the border
    expected = np.zeros((9, 9), bool)
    expected[2:4, 2] = True
    assert (overlay.holes(predicted, labels) == expected).all()


def test_a_trimap_is_red_within_the_width_black_outside_and_white_where_void() -> None:
    """Edges are the pixels beside a change; width w reaches w px to either side of it."""
    labels = np.zeros((5, 30), np.uint8)
    labels[:, 15:] = 1
    labels[:, 29] = 255
    for width in trimaps.WIDTHS_PX:
        drawn = trimaps.trimap(labels, width)
        red = (drawn == trimaps._INSIDE).all(axis=-1)[2]
        near = np.arange(15 - width, 15 + width)
        assert set(near) <= set(np.flatnonzero(red[:27]))
        assert len([x for x in np.flatnonzero(red) if x < 15]) == width
        assert (drawn[:, 29] == 255).all()
        assert (drawn[:, 0] == 0).all()
