"""Evaluation of a network that follows an object: film by film, from its mask in the first frame.

Each film is followed on one rank, its frames in their order. The first frame's mask is given, so
that frame is no prediction: its labels are void to every metric and loss. Scales and mirroring
follow the object through a film of their own each, and are averaged frame by frame.

Shape letters: B images, C bands, K classes, H rows, W columns.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.evaluation import EvaluationProtocol
from trainables.data.batch import Batch
from trainables.data.batches import ahead, to_tensors
from trainables.data.dataset import ImageList
from trainables.geometry.boundaries import VOID
from trainables.metrics.inference import resize, scaled
from trainables.metrics.other_tasks.heads import CLASSES
from trainables.networks.segmentation import SegmenterOutput
from trainables.training.validation_terms import ListTerms

OBJECT = 1
"""The label of the object that is followed."""


class Following(Protocol):
    """A network on its way through a film."""

    def next(self, frame_1CHW: Tensor, with_boundary: bool = False) -> SegmenterOutput:
        """What it says of the next frame."""


Begin = Callable[[Tensor, Tensor], Following]
"""The first frame (1,C,H,W) and its mask (1,H,W), in [0,1], to what predicts the next ones."""


class _View(NamedTuple):
    scale: float
    mirrored: bool

    def of(self, maps_BCHW: Tensor) -> Tensor:
        """The maps, as this view shows them."""
        rows, columns = maps_BCHW.shape[-2:]
        seen_BCHW = resize(maps_BCHW, scaled((rows, columns), self.scale))
        return seen_BCHW.flip(-1) if self.mirrored else seen_BCHW


_PLAIN = _View(1.0, False)


class Frame(NamedTuple):
    """What is predicted of a frame."""

    logits_1KHW: Tensor
    """The network's own, or the logarithm of the mean probability of several views."""
    plain: SegmenterOutput | None
    """Of the frame as it is; None where that was not requested."""


class Film:
    """A film, followed in all views of an evaluation."""

    def __init__(
        self,
        begin: Begin,
        how: EvaluationProtocol,
        first_1CHW: Tensor,
        mask_1HW: Tensor,
        *,
        with_plain: bool = False,
        with_boundary: bool = False,
    ) -> None:
        """
        Args:
            begin: starts to follow an object.
            how: scales and mirroring; without windows.
            first_1CHW: the first frame, as the network expects images.
            mask_1HW: the object in it: 1, else 0.
            with_plain: follow the film as it is, too, whatever ``how`` says.
            with_boundary: also run a boundary head.
        """
        assert how.window is None, "an object is followed through complete frames"
        mirrors = (False, True)[: 1 + how.flip]
        self._averaged = [_View(scale, mirror) for scale in how.scales for mirror in mirrors]
        plain = [_PLAIN] if with_plain and _PLAIN not in self._averaged else []
        mask_11HW = mask_1HW.float().unsqueeze(1)
        self._following = {
            view: begin(view.of(first_1CHW), view.of(mask_11HW)[:, 0])
            for view in (*self._averaged, *plain)
        }
        self._with_boundary = with_boundary

    def next(self, frame_1CHW: Tensor) -> Frame:
        """What is predicted of the next frame."""
        found = {
            view: following.next(view.of(frame_1CHW), self._with_boundary)
            for view, following in self._following.items()
        }
        plain = found.get(_PLAIN)
        if plain is not None and self._averaged == [_PLAIN]:
            return Frame(plain.logits_BKHW, plain)
        rows, columns = frame_1CHW.shape[-2:]
        mean_1KHW = torch.stack(
            [_probability(view, found[view], (rows, columns)) for view in self._averaged]
        ).mean(dim=0)
        return Frame(CLASSES.of_mean(mean_1KHW), plain)


def _probability(view: _View, output: SegmenterOutput, size: tuple[int, int]) -> Tensor:
    """(1,K,H,W) of the frame itself, whatever view of it was predicted."""
    probability_1KHW = resize(output.logits_BKHW, size).softmax(dim=1)
    return probability_1KHW.flip(-1) if view.mirrored else probability_1KHW


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
                self._given_1HW = (made.labels_BHW == OBJECT).to(self._device)
                made = made._replace(labels_BHW=torch.full_like(made.labels_BHW, VOID))
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
    """(1,2,H,W): a given mask, in the place of a prediction."""
    object_1HW = 2 * mask_1HW.float() - 1
    return torch.stack((-object_1HW, object_1HW), dim=1)


def rows_by_film(images: ImageList) -> list[list[int]]:
    """The places of each film's frames in a list, in the list's order."""
    found: dict[int, list[int]] = {}
    for row, number in enumerate(images.series_numbers or ()):
        found.setdefault(number, []).append(row)
    return list(found.values())


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
