"""Evaluation film by film: what is given, in which order, on which rank, and what is averaged."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.processes import on_ranks
from tests.trainables.training.followers import CopiesTheMask, MovesTheMask
from trainables.config import EvalConfig
from trainables.config.evaluation import EvaluationProtocol
from trainables.data.batch import Batch
from trainables.data.dataset import ImageList
from trainables.data.films import rows_by_film
from trainables.data.layouts.moving_shapes import frame
from trainables.losses.term import LossTerm
from trainables.metrics.inference import PLAIN
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.evaluation import Evaluation
from trainables.training.films import Films, as_logits, evaluate_films, logits_at
from trainables.training.following import Begin, Film
from trainables.training.validation_terms import ListTerms

CPU = torch.device("cpu")
LENGTHS = {"a": 5, "b": 1, "c": 4, "d": 2}
MIRRORED = EvaluationProtocol(flip=True)


def films_of(lengths: dict[str, int] = LENGTHS) -> ImageList:
    """Films of these lengths, 24 x 32."""
    places = [(name, number) for name, length in lengths.items() for number in range(length)]
    drawn = [frame("train", "abcd".index(name), number, 24, 32) for name, number in places]
    images, labels = (np.stack(maps) for maps in zip(*drawn, strict=True))
    names = tuple(f"{name}/{number:05d}" for name, number in places)
    return ImageList(images, labels, names, series="film")


def measured(
    begin: Begin,
    how: EvaluationProtocol = PLAIN,
    images: ImageList | None = None,
    terms: ListTerms | None = None,
) -> Evaluation:
    return evaluate_films(begin, images or films_of(), 2, CPU, how, EvalConfig(), terms)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0


def test_a_copied_mask_scores_what_copying_the_mask_scores() -> None:
    """J by a brute force over pixels; the first frame counts in no mean over pixels or images."""
    images = films_of()
    found = measured(CopiesTheMask, images=images)

    labels, copied, means = images.labels_NHW == 1, [], []
    for rows in rows_by_film(images):
        j = [iou(labels[rows[0]], labels[row]) for row in rows]
        copied += [(labels[rows[0]], labels[row]) for row in rows[1:]]
        means += [np.mean(j[1:-1])] if len(j) > 2 else []
    assert found.metrics["davis_j"] == pytest.approx(np.mean(means))
    one, other = (np.stack(maps) for maps in zip(*copied, strict=True))
    assert found.metrics["miou"] == pytest.approx((iou(one, other) + iou(~one, ~other)) / 2)
    assert found.confusion_KK.sum() == one.size
    expected = torch.nn.functional.cross_entropy(
        4 * torch.cat([as_logits(torch.from_numpy(mask)[None].float()) for mask in one]),
        torch.from_numpy(other).long(),
    )
    assert found.loss == pytest.approx(expected.item())


def test_frames_come_in_order_and_each_film_begins_with_its_own_mask() -> None:
    begun: list[CopiesTheMask] = []

    def begin(first_1CHW: Tensor, mask_1HW: Tensor) -> CopiesTheMask:
        begun.append(CopiesTheMask(first_1CHW, mask_1HW))
        return begun[-1]

    images = films_of()
    measured(begin, images=images)

    rows = rows_by_film(images)
    assert [len(film.frames) for film in begun] == list(LENGTHS.values())
    for film, places in zip(begun, rows, strict=True):
        shown = torch.cat(film.frames).permute(0, 2, 3, 1).numpy()
        assert np.array_equal((255 * shown).round(), images.images_NHWC[places])
        assert np.array_equal(film.mask_1HW[0], images.labels_NHW[places[0]])


def test_void_in_the_given_mask_is_no_object() -> None:
    images = films_of({"a": 3})
    images.labels_NHW[0, :12] = 255
    masks = []

    def begin(first_1CHW: Tensor, mask_1HW: Tensor) -> CopiesTheMask:
        masks.append(mask_1HW)
        return CopiesTheMask(first_1CHW, mask_1HW)

    measured(begin, images=images)
    assert np.array_equal(masks[0][0], images.labels_NHW[0] == 1)


def test_a_mirrored_film_is_followed_mirrored_and_averaged_by_frame() -> None:
    """The mask moves right in the film and, seen in the frame, left in its mirror image."""
    images = films_of({"a": 4})
    found = list(logits_at(MovesTheMask, MIRRORED, images, [0, 1, 3], CPU))

    mask_1HW = torch.from_numpy(images.labels_NHW[:1] == 1).float()
    assert torch.equal(found[0].argmax(dim=1).float(), mask_1HW)
    for by, logits in ((1, found[1]), (3, found[2])):
        both = (4 * as_logits(mask_1HW)).softmax(dim=1)
        expected = (both.roll(by, dims=-1) + both.roll(-by, dims=-1)) / 2
        torch.testing.assert_close(logits, expected.log())


def test_scales_see_frames_and_masks_of_their_own_size() -> None:
    seen = []

    def begin(first_1CHW: Tensor, mask_1HW: Tensor) -> CopiesTheMask:
        seen.append((*first_1CHW.shape[-2:], *mask_1HW.shape[-2:]))
        return CopiesTheMask(first_1CHW, mask_1HW)

    how = EvaluationProtocol(scales=(0.5, 1.5))
    first_1CHW, mask_1HW = torch.rand(1, 3, 24, 32), torch.ones(1, 24, 32)
    found = Film(begin, how, first_1CHW, mask_1HW, with_plain=True).next(first_1CHW)

    assert seen == [(12, 16, 12, 16), (36, 48, 36, 48), (24, 32, 24, 32)]
    assert found.logits_1KHW.shape == (1, 2, 24, 32)
    torch.testing.assert_close(found.logits_1KHW.exp().sum(dim=1), torch.ones(1, 24, 32))
    assert found.plain is not None


@pytest.mark.parametrize("how", [PLAIN, MIRRORED])
def test_terms_are_of_the_predicted_frames_as_they_are(how: EvaluationProtocol) -> None:
    def object_px(output: SegmenterOutput, batch: Batch) -> dict[str, LossTerm]:
        assert not (batch.labels_BHW == 255).any()
        predicted = output.logits_BKHW.argmax(dim=1).sum()
        return {"object": LossTerm(predicted.double(), torch.tensor(1.0))}

    images = films_of()
    terms = ListTerms(object_px, ["object"], len(images), CPU)
    measured(CopiesTheMask, how, images, terms)

    areas = [
        int(images.labels_NHW[rows[0]].sum()) for rows in rows_by_film(images) for _ in rows[1:]
    ]
    assert terms.means()["val/object"] == pytest.approx(np.mean(areas))


def _rank(rank: int, folder: str) -> None:
    torch.save(measured(MovesTheMask, MIRRORED).metrics, f"{folder}/rank{rank}")


def test_two_ranks_measure_films_as_one(tmp_path: Path) -> None:
    on_ranks(2, tmp_path, _rank, str(tmp_path))

    alone = measured(MovesTheMask, MIRRORED).metrics
    assert 0 < alone["davis_j"] < 1
    for rank in range(2):
        assert torch.load(tmp_path / f"rank{rank}") == alone


def test_each_film_is_on_one_rank() -> None:
    images = films_of()
    shares = [
        [int(row) for (row,), _ in Films(CopiesTheMask, PLAIN, CPU).batches(images, **how)]
        for how in (cast("dict[str, int]", {"batch": 4, "rank": r, "ranks": 3}) for r in range(3))
    ]
    assert shares == [[0, 1, 2, 3, 4, 10, 11], [5], [6, 7, 8, 9]]


def test_rows_of_several_films_are_predicted_in_the_order_that_is_given() -> None:
    images = films_of()
    found = list(logits_at(CopiesTheMask, PLAIN, images, [8, 0, 2], CPU))
    for logits, first in zip(found, (6, 0, 0), strict=True):
        assert np.array_equal(logits[0].argmax(dim=0), images.labels_NHW[first])
