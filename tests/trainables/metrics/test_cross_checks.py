"""Independent libraries, where their definitions agree with ours: torchmetrics and monai."""

from typing import Any

import pytest
import torch

from tests.trainables.metrics.conftest import random_maps
from trainables.metrics.other_tasks.tasks import depth_rmse, depth_totals
from trainables.metrics.per_image import count
from trainables.metrics.summaries import summarize
from trainables.metrics.surface import assd, hausdorff, hd95, surface_by_class, surface_distances


@pytest.fixture(scope="module")
def torchmetrics() -> Any:
    return pytest.importorskip("torchmetrics.functional", reason="needs torchmetrics")


@pytest.fixture(scope="module")
def monai() -> Any:
    return pytest.importorskip("monai.metrics", reason="needs monai")


@pytest.mark.parametrize("seed", range(3))
def test_overlap_equals_torchmetrics(torchmetrics: Any, seed: int) -> None:
    predicted, labels = random_maps(seed, num_classes=5)

    metrics = summarize(count(predicted, labels, 5))

    # Macro averages of torchmetrics leave out what is in neither map, as we do.
    theirs = torchmetrics.classification.multiclass_jaccard_index(
        predicted, labels, num_classes=5, ignore_index=255
    )
    assert metrics["miou"] == pytest.approx(theirs.item(), abs=1e-6)
    theirs = torchmetrics.classification.multiclass_accuracy(
        predicted, labels, num_classes=5, ignore_index=255, average="micro"
    )
    assert metrics["pixel_accuracy"] == pytest.approx(theirs.item(), abs=1e-6)


def test_rmse_equals_torchmetrics(torchmetrics: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    predicted, true = torch.rand(2, 3, 9, 11, generator=generator)

    theirs = torchmetrics.mean_squared_error(predicted, true, squared=False)

    ours = depth_rmse(depth_totals(predicted, true, torch.ones_like(true, dtype=torch.bool)))
    assert ours == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 0.5)])
def test_surface_distances_equal_monai(monai: Any, spacing: tuple[float, float]) -> None:
    predicted, labels = random_maps(seed=4)
    predicted = predicted.masked_fill(labels == 255, 255)
    pairs = zip(predicted, labels, strict=True)
    ours_NK3 = torch.stack([surface_by_class(one, other, 4, spacing) for one, other in pairs])

    masks = [
        torch.nn.functional.one_hot(part.where(part < 4, 4), 5)[..., :4].permute(0, 3, 1, 2)
        for part in (predicted, labels)
    ]
    in_both_NK = torch.stack([mask.flatten(2).any(dim=2) for mask in masks]).all(dim=0)
    assert in_both_NK.sum() >= 6
    how = {"include_background": True, "spacing": spacing}
    hausdorffs = monai.compute_hausdorff_distance(*masks, **how)
    averages = monai.compute_average_surface_distance(*masks, symmetric=True, **how)

    for measure, theirs_NK in ((0, hausdorffs), (2, averages)):
        torch.testing.assert_close(
            ours_NK3[..., measure][in_both_NK], theirs_NK.double()[in_both_NK], rtol=1e-5, atol=1e-5
        )


def test_directed_hd95_of_a_volume_equals_monai(monai: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(2, 1, 1, 4, 6, 6, generator=generator)
    first, second = (
        torch.nn.functional.interpolate(noise, scale_factor=3, mode="trilinear") > 0.6
        for noise in coarse
    )
    spacing = (3.0, 0.5, 0.75)

    distances = surface_distances(first[0, 0], second[0, 0], spacing)

    how = {"include_background": True, "spacing": spacing}
    theirs = monai.compute_hausdorff_distance(first, second, percentile=95, **how)
    assert hd95(distances, pooled=False) == pytest.approx(theirs.item(), rel=1e-6)
    theirs = monai.compute_hausdorff_distance(first, second, **how)
    assert hausdorff(distances) == pytest.approx(theirs.item(), rel=1e-6)
    theirs = monai.compute_average_surface_distance(first, second, symmetric=True, **how)
    assert assd(distances) == pytest.approx(theirs.item(), rel=1e-6)
