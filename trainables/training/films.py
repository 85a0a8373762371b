"""Evaluation of a network that follows an object: film by film, from its mask in the first frame.

Each film is followed on one rank, its frames in their order. The first frame's mask is given, so
that frame is no prediction: its labels are void to every metric and loss.
Shape letters: C bands, K classes, H rows, W columns.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config import EvalConfig
from trainables.config.evaluation import EvaluationProtocol
from trainables.data.batch import Batch
from trainables.data.batches import ahead, to_tensors
from trainables.data.dataset import ImageList
from trainables.data.films import rows_by_film
from trainables.data.given_frames import OBJECT
from trainables.metrics.inference import PLAIN
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.evaluation import Evaluation, evaluate
from trainables.training.following import Begin, Film
from trainables.training.task_counts import TaskCounts
from trainables.training.validation_terms import ListTerms


def evaluate_films(
    begin: Begin,
    images: ImageList,
    num_classes: int,
    device: torch.device,
    how: EvaluationProtocol,
    config: EvalConfig,
    terms: ListTerms | None = None,
    counted: TaskCounts | None = None,
) -> Evaluation:
    """``evaluate`` of a network that follows an object; all ranks must make this call.

    Args:
        begin: starts to follow an object.
        images: a list of films.
        num_classes: K.
        device: the network's.
        how: scales and mirroring; without windows.
        config: what is measured.
        terms: measured of the predicted frames, as they are; None: none.
        counted: as ``evaluate`` takes it.
    """
    films = Films(begin, how, device, terms)
    given = images, num_classes, 1, device, PLAIN, config
    return evaluate(films.predict, *given, films.observe, films.batches, counted)


class Films:
    """Follows each film of a list: the ``predict``, ``observe`` and ``batches`` of ``evaluate``,
    which reads a batch, has it predicted and observed, and then reads the next one."""

    def __init__(
        self,
        begin: Begin,
        how: EvaluationProtocol,
        device: torch.device,
        terms: ListTerms | None = None,
    ) -> None:
        """``terms``: measured of the predicted frames, as they are; None: none."""
        self._begin, self._how, self._device, self._terms = begin, how, device, terms
        self._film: Film | None = None
        self._given_1HW: Tensor | None = None
        self._plain: SegmenterOutput | None = None

    def batches(
        self, images: ImageList, *, batch: int, rank: int, ranks: int
    ) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """Yield the frames of this rank's films one by one, the first one of each with void."""
        mine = rows_by_film(images)[rank::ranks]
        rows = [row for film in mine for row in film]
        firsts = {film[0] for film in mine}
        for row, made in zip(rows, ahead(lambda row: to_tensors(images, [row]), rows), strict=True):
            self._given_1HW = None
            if row in firsts:
                self._given_1HW = (made.labels_BHW == OBJECT).float().to(self._device)
                made = made.unlabelled()
            yield np.array([row]), made

    def predict(self, images_1CHW: Tensor) -> Tensor:
        """The logits (1,K,H,W) of the frame that was read; of a first frame, its mask."""
        frame_1CHW = images_1CHW.to(self._device)
        if self._given_1HW is not None:
            measured = self._terms is not None
            self._film = Film(
                self._begin,
                self._how,
                frame_1CHW,
                self._given_1HW,
                with_plain=measured,
                with_boundary=measured,
            )
            return as_logits(self._given_1HW)
        assert self._film is not None, "a film begins with its first frame"
        logits_1KHW, self._plain = self._film.next(frame_1CHW)
        return logits_1KHW

    def observe(self, rows_1: NDArray[np.int64], batch: Batch) -> None:
        """Measure the terms of the frame that was predicted."""
        if self._terms is not None and self._given_1HW is None:
            assert self._plain is not None
            self._terms.add(int(rows_1[0]), self._plain, batch)


def as_logits(mask_1HW: Tensor) -> Tensor:
    """(1,2,H,W): a given mask of 1 and 0, in the place of a prediction."""
    object_1HW = 2 * mask_1HW - 1
    return torch.stack((-object_1HW, object_1HW), dim=1)


def logits_at(
    begin: Begin,
    how: EvaluationProtocol,
    images: ImageList,
    rows: Sequence[int],
    device: torch.device,
) -> Iterator[Tensor]:
    """Yield (1,K,H,W) of each of these frames, as ``Films`` predicts them on one rank; a film is
    followed as far as its last one of them, once."""
    films = Films(begin, how, device)
    found: dict[int, Tensor] = {}
    for film in rows_by_film(images):
        wanted = [row for row in film if row in rows]
        if not wanted:
            continue
        part = images.picked(film[: film.index(wanted[-1]) + 1])
        for (place,), batch in films.batches(part, batch=1, rank=0, ranks=1):
            logits_1KHW = films.predict(batch.images_BCHW)
            if film[place] in wanted:
                found[film[place]] = logits_1KHW
    yield from (found[row] for row in rows)
