"""Every reported metric as a function of the counts per image.

Shape letters: N images, K classes, T tolerances, Z bands; R radii in ``around_NR2``, lists
of images elsewhere.
"""

import torch
from torch import Tensor

from trainables.metrics import bands, boundary, calibration, overlap, series
from trainables.metrics.catalog import METRICS, TOLERANCES_PX, TRIMAP_WIDTHS_PX
from trainables.metrics.per_image import ImageCounts, distances


def summarize(counts: ImageCounts) -> dict[str, float]:
    """The reported metrics, in the catalog's order; NaN only where there is nothing to score.

    A class absent from prediction and truth has no IoU, and an image without it no boundary F:
    the means leave them out, and ``*_scored`` says how much is in. ``boundary_f_davis_*`` counts 1
    there. Surface distances, holes, and metrics of volumes and films are there only if counted.

    Args:
        counts: a complete table, summed over ranks.
    """
    return {name: value_1.item() for name, value_1 in _summaries(_on_cpu(counts), None).items()}


def resample(counts: ImageCounts, weights_RN: Tensor) -> dict[str, Tensor]:
    """float64 (R) each: ``summarize`` of R lists, each with image n ``weights_RN[r, n]`` times.

    Without the metrics of volumes and films: single images are no sample of those.
    """
    return _summaries(_on_cpu(counts), weights_RN.double())


def by_class(counts: ImageCounts) -> dict[str, Tensor]:
    """float64 (K) each: the metrics that are means over classes, NaN for a class that is absent.

    IoU, boundary IoU and hole area are of the counts of all images; the others are means over the
    images in which the class occurs in prediction or truth (its contour, for boundary F).
    ``boundary_f_davis_*`` are means over all images, the class being right where it is in neither.
    """
    counts = _on_cpu(counts)
    usual = {name: values_1K[0] for name, values_1K in _by_class(counts, None).items()}
    return usual | series.by_class(counts)


def _on_cpu(counts: ImageCounts) -> ImageCounts:
    return ImageCounts(*(table.cpu() for table in counts))


def _summaries(counts: ImageCounts, weights_RN: Tensor | None) -> dict[str, Tensor]:
    """(R) each: every reported metric of R lists, or of the one list as it is, without weights."""
    per_class = _by_class(counts, weights_RN)
    if weights_RN is None:
        per_class |= {name: mean_K[None] for name, mean_K in series.by_class(counts).items()}
    metrics = {name: overlap.mean_of_present(values_RK) for name, values_RK in per_class.items()}
    metrics["miou"] = metrics.pop("iou")
    overlap_RK3 = _total(counts.overlap_NK3, weights_RN)
    inside_RZK3 = _total(counts.bands_NZK3, weights_RN).cumsum(dim=1)
    outside_RZK3 = overlap_RK3.unsqueeze(1) - inside_RZK3
    for side, zones_RZK3 in (("inside", inside_RZK3), ("outside", outside_RZK3)):
        for width, zone_RK3 in zip(TRIMAP_WIDTHS_PX, zones_RZK3.unbind(dim=1), strict=True):
            metrics[f"trimap_miou_{side}_{width}px"] = overlap.mean_of_present(
                overlap.iou(zone_RK3)
            )
    metrics["pixel_accuracy"] = overlap.pixel_accuracy(overlap_RK3)
    metrics["mba"] = _mean_boundary_accuracy(counts, weights_RN)
    if counts.calibration_NC.any():
        of_lists_RC = _total(counts.calibration_NC, weights_RN)
        metrics |= {"ece": calibration.ece(of_lists_RC), "brier": calibration.brier(of_lists_RC)}
    metrics["classes_scored"] = (overlap_RK3.sum(dim=-1) > 0).sum(dim=-1).double()
    scored_N = (counts.contour_NK2.sum(dim=-1) > 0).sum(dim=-1)
    metrics["contours_scored"] = _total(scored_N, weights_RN).double()
    if counts.surface_NK3.any():
        # Both maps have the class where it is neither absent nor in one map alone.
        predicted_NK = counts.overlap_NK3[..., :2].sum(dim=-1) > 0
        true_NK = counts.overlap_NK3[..., ::2].sum(dim=-1) > 0
        scored_N = (predicted_NK & true_NK).sum(dim=-1)
        metrics["surfaces_scored"] = _total(scored_N, weights_RN).double()
    return {name: metrics[name] for name in METRICS if name in metrics}


def _by_class(counts: ImageCounts, weights_RN: Tensor | None) -> dict[str, Tensor]:
    """(R,K) each."""
    per_class = {
        "iou": overlap.iou(_total(counts.overlap_NK3, weights_RN)),
        "dice": _mean_over_images(overlap.dice(counts.overlap_NK3), weights_RN),
    }
    given_N1 = series.given_frames(counts).unsqueeze(1)  # what was not predicted is not right
    for index, tolerance in enumerate(TOLERANCES_PX):
        f_NK = boundary.boundary_f(counts.contour_NK2, counts.hits_NTK2[:, index])
        per_class[f"boundary_f_{tolerance}px"] = _mean_over_images(f_NK, weights_RN)
        empty_is_one_NK = f_NK.nan_to_num(1).masked_fill(given_N1, torch.nan)
        per_class[f"boundary_f_davis_{tolerance}px"] = _mean_over_images(
            empty_is_one_NK, weights_RN
        )
    per_class["boundary_iou"] = boundary.boundary_iou(_total(counts.regions_NK3, weights_RN))
    if counts.surface_NK3.any():
        mean_RK3 = _mean_over_images(distances(counts.surface_NK3), weights_RN)
        per_class |= dict(zip(("hausdorff", "hd95", "assd"), mean_RK3.unbind(dim=-1), strict=True))
    if counts.holes_NK3.any():
        per_class |= _holes(counts, weights_RN)
    return per_class


def _holes(counts: ImageCounts, weights_RN: Tensor | None) -> dict[str, Tensor]:
    """(R,K) each: pixels in holes as a share of the class's, holes and islands in an image."""
    absent_NK = counts.overlap_NK3.sum(dim=-1) == 0
    found_NK3 = counts.holes_NK3 - 1
    true_RK = _total(counts.overlap_NK3[..., ::2].sum(dim=-1), weights_RN)
    by_image_NK2 = found_NK3[..., 1:].double().masked_fill(absent_NK.unsqueeze(-1), torch.nan)
    mean_RK2 = _mean_over_images(by_image_NK2, weights_RN)
    return {
        "hole_area": _total(found_NK3[..., 0], weights_RN) / true_RK,
        "holes": mean_RK2[..., 0],
        "islands": mean_RK2[..., 1],
    }


def _mean_boundary_accuracy(counts: ImageCounts, weights_RN: Tensor | None) -> Tensor:
    """(R): the mean over the images that have a boundary."""
    accuracy_N = bands.mean_boundary_accuracy(counts.around_NR2)
    has_one_N = ~accuracy_N.isnan()
    drawn_RN = None if weights_RN is None else weights_RN[:, has_one_N]
    return _mean_over_images(accuracy_N[has_one_N], drawn_RN)


def _mean_over_images(values: Tensor, weights_RN: Tensor | None) -> Tensor:
    """(R,...) from (N,...): the mean over the images that have a value."""
    known = ~values.isnan()
    return _total(values.masked_fill(~known, 0), weights_RN) / _total(known, weights_RN)


def _total(table: Tensor, weights_RN: Tensor | None) -> Tensor:
    """(R,...) from (N,...): the sum over each list's images; exact for integers."""
    if weights_RN is None:
        # Weights of one would give the same up to rounding: a matrix product adds in another order.
        return table.sum(dim=0, keepdim=True)
    return torch.tensordot(weights_RN, table.double(), dims=1)
