"""Pictures of predictions: image, truth, prediction and boundary errors side by side.

Shape letters: H rows, W columns, C colours, P pictures.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from trainables.data import Dataset
from trainables.data.preview import caption, shown
from trainables.geometry.boundaries import VOID
from trainables.metrics.boundary import contour
from trainables.metrics.windows import disk, unite
from trainables.training.checkpoint import Checkpoint

Picture = NDArray[np.uint8]

TOLERANCE_PX = 1
_FOUND, _MISSED, _INVENTED = (60, 200, 90), (70, 130, 255), (255, 70, 60)
_CAPTIONS = (
    "truth",
    "prediction",
    f"boundary at {TOLERANCE_PX} px: found, missed, invented",
)
_HEIGHT_PX = 240
_A_ROW = 4
"""Panels per row in a sheet of several predictions."""
_NAME_LETTERS = 60
"""Of a picture's name: file systems allow 255 bytes, and an image's name may use them all."""
_CAPTION_PX = 18


def draw(dataset: Dataset, checkpoint: Checkpoint, folder: Path) -> list[Path]:
    """Write one PNG for each prediction in the checkpoint, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    images = dataset.splits["val"]
    paths = []
    for row, predicted_HW in enumerate(checkpoint.predictions().labels):
        path = folder / f"{file_name(images.names[row])}.png"
        if path in paths:
            path = folder / f"{path.stem}-{row}.png"
        image_HWC, labels_HW = shown(images.images_NHWC[row]), images.labels_NHW[row]
        panels = _panels(dataset, image_HWC, labels_HW, predicted_HW)
        captions = caption(dataset.pixels), *_CAPTIONS
        side_by_side(panels, captions).save(path, optimize=False)
        paths.append(path)
    return paths


def file_name(name: str) -> str:
    """An image's name as the name of a picture of it: plain, short, and still its own."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:_NAME_LETTERS].lstrip(".")
    if plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}"


def compared(
    dataset: Dataset, image_HWC: Picture, labels_HW: Picture, views: Sequence[tuple[str, Picture]]
) -> Image.Image:
    """Draw one image, its truth, and the boundary errors of several named predictions.

    Args:
        image_HWC: uint8.
        labels_HW: the true classes.
        views: a name and the predicted classes (H,W) of each network.
    """
    palette = colours(dataset)
    errors = [
        boundary_errors(image_HWC, labels_HW, np.where(labels_HW == VOID, VOID, predicted_HW))
        for _, predicted_HW in views
    ]
    names = [caption(dataset.pixels), "truth", *(name for name, _ in views)]
    panels = [image_HWC, palette[labels_HW], *errors]
    rows = [
        side_by_side(panels[start : start + _A_ROW], names[start : start + _A_ROW])
        for start in range(0, len(panels), _A_ROW)
    ]
    return stacked(rows)


def stacked(rows: Sequence[Image.Image]) -> Image.Image:
    """Place rows of panels below each other; they may differ in size."""
    size = max(row.width for row in rows), sum(row.height for row in rows)
    sheet, top = Image.new("RGB", size, (20, 20, 20)), 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def colours(dataset: Dataset) -> Picture:
    """(256,3): the colour of each label; void is black."""
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[: dataset.num_classes] = dataset.colours
    return palette


def _panels(
    dataset: Dataset, image_HWC: Picture, labels_HW: Picture, predicted_HW: Picture
) -> list[Picture]:
    palette = colours(dataset)
    shown_HW = np.where(labels_HW == VOID, VOID, predicted_HW)
    errors_HWC = boundary_errors(image_HWC, labels_HW, shown_HW)
    return [image_HWC, palette[labels_HW], palette[shown_HW], errors_HWC]


def boundary_errors(image_HWC: Picture, labels_HW: Picture, predicted_HW: Picture) -> Picture:
    """Draw contours on the dimmed image: found (green), missed (blue), invented (red)."""
    true_HW, false_HW = contours(labels_HW), contours(predicted_HW)
    near_true_HW = _within(true_HW, TOLERANCE_PX)
    near_false_HW = _within(false_HW, TOLERANCE_PX)
    painted_HWC = (image_HWC // 3).astype(np.uint8)
    for mask_HW, colour in (
        (false_HW & ~near_true_HW, _INVENTED),
        (true_HW & near_false_HW, _FOUND),
        (true_HW & ~near_false_HW, _MISSED),
    ):
        painted_HWC[mask_HW.numpy()] = colour
    return painted_HWC


def contours(labels_HW: Picture) -> torch.Tensor:
    """Bool: the contours of all classes; a class's border to void is not a contour."""
    labels = torch.from_numpy(labels_HW.astype(np.int64))
    contours_HW = torch.zeros_like(labels, dtype=torch.bool)
    for label in labels.unique():
        if label != VOID:
            contours_HW |= contour((labels == label).unsqueeze(0)).squeeze(0)
    void_HW = _within(labels == VOID, 2)
    return contours_HW & ~void_HW


def _within(mask_HW: torch.Tensor, radius_px: int) -> torch.Tensor:
    """Bool: pixels at most ``radius_px`` from a set pixel."""
    return unite(mask_HW.to(torch.int8).unsqueeze(0), [disk(radius_px)])[0].squeeze(0) > 0


def side_by_side(
    panels: Sequence[Picture], captions: Sequence[str], height_px: int = _HEIGHT_PX
) -> Image.Image:
    """Place panels in a row, each enlarged to about ``height_px`` below its caption."""
    rows, columns = panels[0].shape[:2]
    scale = max(1, round(height_px / rows))
    width, height = columns * scale, rows * scale
    sheet = Image.new("RGB", (width * len(panels), height + _CAPTION_PX), (20, 20, 20))
    pen = ImageDraw.Draw(sheet)
    for number, (panel_HWC, text) in enumerate(zip(panels, captions, strict=True)):
        # Without smoothing, which would blur classes and single pixels of a contour.
        enlarged = Image.fromarray(panel_HWC).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (number * width, _CAPTION_PX))
        pen.text((number * width + 4, 3), text, fill=(230, 230, 230))
    return sheet
