"""DAVIS' J and F of films against the public toolkit: by frame, recall, decay, void, tolerances."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.trainables.metrics.conftest import load_golden, square
from trainables.geometry.boundaries import VOID
from trainables.metrics import boundary, overlap
from trainables.metrics.per_image import ImageCounts, count
from trainables.metrics.series import by_class, by_film, given_frames
from trainables.metrics.summaries import summarize

CASES = ["d1_9f_48x64_2o", "d2_6f_40x56_1o", "d3_13f_36x48_3o", "d4_5f_480x854_1o"]
NOTHING = torch.zeros_like(square(10))


def film(predicted: Tensor, true: Tensor, objects: int, number: int = 1) -> ImageCounts:
    counts = count(predicted.where(predicted <= objects, 0), true, objects + 1, film=True)
    return counts._replace(series_N1=torch.full((len(true), 1), number))


def golden_film(case: str) -> tuple[dict[str, NDArray[np.float64]], Tensor, Tensor, int]:
    golden = load_golden("davis.npz")
    found = {key.partition("/")[2]: golden[key] for key in golden if key.startswith(case)}
    predicted, true = (torch.from_numpy(found[name].astype(int)) for name in ("pred", "gt"))
    return found, predicted, true, len(found["J_MRD"])


def by_frame(counts: ImageCounts) -> tuple[Tensor, Tensor]:
    """J and F (objects, frames)."""
    f_NK = boundary.boundary_f(counts.contour_NK2, counts.film_NK2 - 1).nan_to_num(1)
    return overlap.iou(counts.overlap_NK3).nan_to_num(1).T[1:], f_NK.T[1:]


@pytest.mark.parametrize("case", CASES)
def test_mean_recall_and_decay_equal_the_toolkit(case: str) -> None:
    golden, predicted, true, objects = golden_film(case)
    found = by_class(film(predicted, true, objects))

    for letter in "jf":
        names = [f"davis_{letter}{suffix}" for suffix in ("", "_recall", "_decay")]
        ours = np.stack([found[name][1:].numpy() for name in names], axis=1)
        np.testing.assert_allclose(ours, golden[f"{letter.upper()}_MRD"], atol=1e-12)
    assert found["davis_jf"][1:].mean().item() == pytest.approx(float(golden["JF_mean"]), abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_j_and_f_of_each_frame_equal_the_toolkit(case: str) -> None:
    golden, predicted, true, objects = golden_film(case)
    for name, maps in (("", predicted), ("_last_object_missing", predicted % objects)):
        if f"J_per_frame{name}" not in golden:
            continue
        maps = maps if not name else predicted.where(predicted != objects, 0)
        j_KN, f_KN = by_frame(film(maps, true, objects))
        np.testing.assert_allclose(j_KN[:, 1:-1], golden[f"J_per_frame{name}"], atol=1e-12)
        np.testing.assert_allclose(f_KN[:, 1:-1], golden[f"F_per_frame{name}"], atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_void_is_left_out_as_in_the_unsupervised_task(case: str) -> None:
    golden, predicted, true, objects = golden_film(case)
    void = torch.from_numpy(golden["void"].astype(bool))

    j_KN, f_KN = by_frame(film(predicted, true.masked_fill(void, VOID), objects))

    # The toolkit's rows are those of its proposals, whose numbers were reversed.
    np.testing.assert_allclose(j_KN, golden["unsup_J_per_frame"][::-1], atol=1e-12)
    np.testing.assert_allclose(f_KN, golden["unsup_F_per_frame"][::-1], atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_contours_at_tolerances_in_pixels_equal_the_toolkit(case: str) -> None:
    golden, predicted, true, objects = golden_film(case)
    counts = film(predicted, true, objects)
    for place, px in ((0, 1), (1, 3)):
        f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, place]).nan_to_num(1)
        np.testing.assert_allclose(f_NK[1:-1, 1], golden[f"F_obj1_th{px}"], atol=1e-12)


def test_a_film_of_three_hundred_frames_decays_as_its_frames_say() -> None:
    """The toolkit counts frames in eight bits: beyond 256 it gives another number, or NaN."""
    frames = 302
    perfect, wrong = square(10).repeat(frames // 2, 1, 1), NOTHING.repeat(frames // 2, 1, 1)
    counts = film(torch.cat([perfect, wrong]), square(10).repeat(frames, 1, 1), 1)

    found = summarize(counts)

    assert (found["davis_j_decay"], found["davis_f_decay"]) == (1, 1)
    assert found["davis_j_recall"] == found["davis_j"] == 0.5


def test_each_film_has_its_own_figures_and_short_ones_have_none() -> None:
    parts = [
        film(square(13).repeat(4, 1, 1), square(10).repeat(4, 1, 1), 1, 1),
        film(square(10).repeat(2, 1, 1), square(10).repeat(2, 1, 1), 1, 2),
        film(square(10), square(10), 1, 3),
        film(square(10).repeat(3, 1, 1), square(10).repeat(3, 1, 1), 1, 4),
    ]
    films = by_film(ImageCounts(*(torch.cat(tables) for tables in zip(*parts, strict=True))))

    assert films.rows == [0, 7]
    assert films.values["davis_j"][:, 1].tolist() == pytest.approx([70 / 130, 1])
    alone = summarize(parts[2])
    assert math.isnan(alone["davis_j"])
    assert math.isnan(alone["davis_j_decay"])
    assert alone["miou"] == 1


def test_a_given_frame_is_no_prediction() -> None:
    """Its labels are void: a mean over images that counts empty maps as right must leave it out."""
    true = torch.cat([torch.full_like(NOTHING, VOID), *[square(10)] * 3])
    predicted = torch.cat([square(10), *[square(13)] * 3])

    counts, without = film(predicted, true, 1), film(predicted[1:], true[1:], 1)

    assert given_frames(counts).tolist() == [True, False, False, False]
    found, expected = summarize(counts), summarize(without)
    for name, value in found.items():
        if not name.startswith("davis_"):
            assert value == pytest.approx(expected[name], nan_ok=True), name
    assert found["boundary_f_davis_1px"] < 1
    assert found["davis_j"] == pytest.approx(70 / 130)
