"""Walking over large tensors in pieces that stay in a CPU's cache.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Iterator

from torch import Tensor

_ELEMENTS = 2**18


def bands(maps_BKHW: Tensor) -> Iterator[tuple[slice, slice]]:
    """(images, rows) that together cover the batch.

    On a CPU one image and some rows at a time: fresh memory costs more than arithmetic there, and
    buffers of this size are used again and again. On a GPU everything at once.
    """
    images, classes, rows, columns = maps_BKHW.shape
    if maps_BKHW.device.type != "cpu":
        yield slice(None), slice(0, rows)
        return
    height = max(_ELEMENTS // max(classes * columns, 1), 1)
    for image in range(images):
        for start in range(0, rows, height):
            yield slice(image, image + 1), slice(start, min(start + height, rows))


def through_softmax(prob_BKHW: Tensor, slope_BKHW: Tensor) -> None:
    """Turn a derivative by probabilities into that by logits, in place: p_k (s_k - sum of p s)."""
    for image, band in bands(prob_BKHW):
        prob, slope = prob_BKHW[image, :, band], slope_BKHW[image, :, band]
        slope.sub_((prob * slope).sum(dim=1, keepdim=True)).mul_(prob)
