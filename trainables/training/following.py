"""How a network that follows an object predicts a film, from the object's mask in its first frame.

Scales and mirroring follow the object through a film of their own each, and are averaged frame by
frame.
Shape letters: B images, C bands, K classes, H rows, W columns.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.config import OptimConfig
from trainables.config.evaluation import EvaluationProtocol
from trainables.metrics.inference import resize, scaled
from trainables.metrics.other_tasks.heads import CLASSES
from trainables.networks.segmentation import Segmenter, SegmenterOutput
from trainables.networks.stm.follow import Follower
from trainables.training.forward import forward

Following = Callable[[Tensor, bool], SegmenterOutput]
"""A network on its way through a film: the next frame (1,C,H,W), and whether a boundary head runs,
to what it says of the frame."""
Begin = Callable[[Tensor, Tensor], Following]
"""The first frame (1,C,H,W) and its mask (1,H,W), in [0,1], to what predicts the next ones."""


def follow(network: Segmenter, optim: OptimConfig, device: torch.device) -> Begin:
    """How a network in evaluation mode follows an object, in the precision of its training."""

    def begin(first_1CHW: Tensor, mask_1HW: Tensor) -> Following:
        follower = Follower(network, first_1CHW, mask_1HW)
        return partial(_next, follower)

    def _next(follower: Follower, frame_1CHW: Tensor, with_boundary: bool) -> SegmenterOutput:
        return forward(follower.next, frame_1CHW, optim, device, with_boundary)

    return begin


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
        mask_11HW = mask_1HW.unsqueeze(1)
        self._following = {
            view: begin(view.of(first_1CHW), view.of(mask_11HW)[:, 0])
            for view in (*self._averaged, *plain)
        }
        self._with_boundary = with_boundary

    def next(self, frame_1CHW: Tensor) -> Frame:
        """What is predicted of the next frame."""
        found = {
            view: following(view.of(frame_1CHW), self._with_boundary)
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
