"""Row bands: pieces of large tensors that fit in a CPU's cache.

Shape letters: B images, K classes, H rows, W columns.
"""

from collections.abc import Iterator

from torch import Tensor

from trainables.geometry.device import on_cpu

_ELEMENTS = 2**18
"""Of a row band: 1 MiB of float32."""


def bands(maps_BKHW: Tensor) -> Iterator[tuple[slice, slice]]:
    """Slices (images, rows) that together cover the batch.

    On a CPU, some rows of one image at a time: new memory costs more than arithmetic there, and
    buffers of this size are reused. On a GPU, the whole batch at once.
    """
    images, classes, rows, columns = maps_BKHW.shape
    if not on_cpu(maps_BKHW):
        yield slice(None), slice(0, rows)
        return
    height = max(_ELEMENTS // max(classes * columns, 1), 1)
    for image in range(images):
        for start in range(0, rows, height):
            yield slice(image, image + 1), slice(start, min(start + height, rows))


def through_softmax(prob_BKHW: Tensor, slope_BKHW: Tensor) -> None:
    """Turn the derivative s by probabilities into that by logits, in place: p_k (s_k - sum p s)."""
    for image, band in bands(prob_BKHW):
        prob, slope = prob_BKHW[image, :, band], slope_BKHW[image, :, band]
        slope.sub_((prob * slope).sum(dim=1, keepdim=True)).mul_(prob)
