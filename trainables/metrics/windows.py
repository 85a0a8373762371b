"""Sliding windows over maps of bit sets, so that one pass serves all classes.

A set of classes is an integer with one bit per class, so a union of sets is a bitwise or, and a
dilation of all classes' masks is one such union over a window. Maps are padded and laid out in one
line, where a shift by rows and columns is a slice: whole-map operations, no loop over classes.

Shape letters: N images, H rows, W columns, K classes, L padded pixels in a line.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

HalfWidths = tuple[int, ...]
"""A window symmetric in rows and columns: half the width of its bar at 0, 1, 2 ... rows off."""


def disk(radius_px: int) -> HalfWidths:
    """The pixels within a Euclidean distance."""
    return tuple(math.isqrt(radius_px**2 - down**2) for down in range(radius_px + 1))


def ellipse(radius_px: int) -> HalfWidths:
    """OpenCV's MORPH_ELLIPSE of size 2r+1: half widths rounded to the nearest pixel."""
    return tuple(round(math.sqrt(radius_px**2 - down**2)) for down in range(radius_px + 1))


def class_bits(labels_NHW: Tensor, classes: range) -> Tensor:
    """Integers (N,H,W): bit i is set where the label is ``classes[i]``; 0 elsewhere, as at void.

    The type is the narrowest that holds them, since the cost of all that follows is memory traffic.
    At most 64 classes; labels 0..255.
    """
    assert len(classes) <= 64
    bits_K = torch.ones((), dtype=torch.int64) << torch.arange(len(classes))
    bits_of_label = torch.zeros(256, dtype=torch.int64)
    bits_of_label[classes.start : classes.stop] = bits_K
    bits_of_label = bits_of_label.to(_narrowest(len(classes))).to(labels_NHW.device)
    return bits_of_label.index_select(0, labels_NHW.flatten()).view_as(labels_NHW)


def _narrowest(bits: int) -> torch.dtype:
    for width, dtype in ((8, torch.int8), (16, torch.int16), (32, torch.int32)):
        if bits <= width:
            return dtype
    return torch.int64


def unite(bits_NHW: Tensor, windows: Sequence[HalfWidths]) -> list[Tensor]:
    """The bitwise or of integers over each window around each pixel; outside the image they are 0.

    A horizontal bar is widened by one pixel at a time, and every window takes its rows from it once
    the bar has their width, so all windows cost little more than the largest.
    """
    margin = max((max(*window, len(window) - 1) for window in windows), default=0)
    padded_NHW = F.pad(bits_NHW, (margin,) * 4)
    stride = padded_NHW.shape[-1]
    line_L = padded_NHW.flatten()
    bar_L = line_L.clone()
    united = [torch.zeros_like(line_L) for _ in windows]
    for half in range(margin + 1):
        if half:
            _or_shifted(bar_L, line_L, half)
        for union_L, window in zip(united, windows, strict=True):
            for down, width in enumerate(window):
                if width == half:
                    _or_shifted(union_L, bar_L, down * stride)
    rows, columns = bits_NHW.shape[-2:]
    inside = (slice(None), slice(margin, margin + rows), slice(margin, margin + columns))
    return [union_L.view_as(padded_NHW)[inside] for union_L in united]


def _or_shifted(into_L: Tensor, from_L: Tensor, shift: int) -> None:
    """Or one line into another, shifted both ways. What wraps around a row stays in the padding."""
    if shift == 0:
        into_L |= from_L
    elif shift < len(into_L):
        into_L[shift:] |= from_L[:-shift]
        into_L[:-shift] |= from_L[shift:]


def label_code(labels_NHW: Tensor) -> Tensor:
    """int16 (N,H,W): a label's 8 bits beside their complement, for labels 0..255.

    The union over a window equals the pixel's own code exactly if the window holds one label only:
    any second label sets a bit together with its complement. It takes two bytes for any number of
    classes.
    """
    return ((255 - labels_NHW) * 256 + labels_NHW).to(torch.int16)


def holds_other_label(code_NHW: Tensor, radius_px: int) -> Tensor:
    """Bool (N,H,W): whether the square of side 2r+1 holds another label or reaches outside."""
    padded_NHW = F.pad(code_NHW, (radius_px,) * 4, value=-1)
    _, rows, columns = padded_NHW.shape
    side = 2 * radius_px + 1
    union_L = _or_ahead(_or_ahead(padded_NHW.flatten(), side, 1), side, columns)
    # The first entry is of the square whose centre is the image's first pixel.
    union_NHW = union_L.as_strided(code_NHW.shape, (rows * columns, columns, 1))
    return union_NHW != code_NHW


def _or_ahead(line_L: Tensor, length: int, step: int) -> Tensor:
    """The union of ``length`` entries, ``step`` apart, starting at each entry, by doubling."""
    covered = 1
    while covered < length:
        more = min(covered, length - covered)
        line_L = line_L[: -more * step] | line_L[more * step :]
        covered += more
    return line_L


def squared_distance(set_NHW: Tensor, reach_px: int) -> Tensor:
    """uint8 (N,H,W): exact squared Euclidean distance to the nearest set pixel of a bool map.

    255 beyond ``reach_px`` (at most 11). Along rows first, then the lower envelope over columns
    (Felzenszwalb & Huttenlocher 2012), by brute force, as the reach is short.
    """
    assert reach_px <= 11, "reach^2 twice must stay below 255"
    far = 255 - reach_px**2
    squares = [offset**2 for offset in range(reach_px + 1)] + [far]
    padded_NHW = F.pad(set_NHW.to(torch.uint8), (reach_px,) * 4)
    stride = padded_NHW.shape[-1]
    line_L = padded_NHW.flatten()
    bar_L = line_L.clone()
    along_L = far - bar_L * (squares[1] - squares[0])
    for offset in range(1, reach_px + 1):
        _or_shifted(bar_L, line_L, offset)
        # The bars are nested: a pixel in this one steps down from the next larger square.
        along_L.sub_(bar_L, alpha=squares[offset + 1] - squares[offset])
    nearest_L = along_L.clone()
    for down in range(1, reach_px + 1):
        raised_L = along_L + down**2
        shift = down * stride
        if shift < len(line_L):
            torch.minimum(nearest_L[shift:], raised_L[:-shift], out=nearest_L[shift:])
            torch.minimum(nearest_L[:-shift], raised_L[shift:], out=nearest_L[:-shift])
    nearest_L = nearest_L.masked_fill(nearest_L > reach_px**2, 255)
    rows, columns = set_NHW.shape[-2:]
    inside = (slice(None), slice(reach_px, reach_px + rows), slice(reach_px, reach_px + columns))
    return nearest_L.view_as(padded_NHW)[inside]
