"""The counts of a list over ranks: volumes that they share, spacing, and real lesions in mm."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from tests.processes import on_ranks
from tests.trainables.data.real_layouts import opened
from tests.trainables.metrics.conftest import random_maps
from trainables.config import EvalConfig
from trainables.data.dataset import ImageList, Series
from trainables.training.evaluation import Evaluation, evaluate

CONFIG = EvalConfig(surface=True, holes=True)
SPACING_MM = (0.5, 0.75, 8.0)
CPU = torch.device("cpu")


def images_of(series: Series, spacing: tuple[float, ...] | None = None) -> ImageList:
    """Seven images, of volumes or films of three, three and one; red holds what is predicted."""
    predicted, labels = random_maps(images=7, height=24, width=30, num_classes=3)
    images_NHWC = np.zeros((*labels.shape, 3), dtype=np.uint8)
    images_NHWC[..., 0] = predicted.numpy()
    names = tuple(f"{parent}/{number}" for number, parent in enumerate("aaabbbc"))
    spacing_mm = np.tile(np.array(spacing, dtype=np.float32), (7, 1)) if spacing else None
    return ImageList(images_NHWC, labels.numpy().astype(np.uint8), names, spacing_mm, series)


def predict(images_BCHW: Tensor) -> Tensor:
    classes_BHW = (images_BCHW[:, 0] * 255).round().long()
    return torch.nn.functional.one_hot(classes_BHW, 3).permute(0, 3, 1, 2).float()


def measured(images: ImageList, config: EvalConfig = CONFIG) -> Evaluation:
    return evaluate(predict, images, 3, 2, CPU, config=config)


def _rank(rank: int, series: Series, spacing: tuple[float, ...], folder: str) -> None:
    torch.save(measured(images_of(series, spacing)).metrics, f"{folder}/rank{rank}")


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("series", ["volume", "film"])
def test_any_number_of_ranks_measures_volumes_and_films_as_one(
    tmp_path: Path, ranks: int, series: Series
) -> None:
    on_ranks(ranks, tmp_path, _rank, series, SPACING_MM, str(tmp_path))

    alone = measured(images_of(series, SPACING_MM)).metrics
    assert ("hausdorff_volume" if series == "volume" else "davis_f") in alone
    for rank in range(ranks):
        assert torch.load(tmp_path / f"rank{rank}") == alone


def test_distances_are_in_the_spacing_of_each_image_or_in_pixels() -> None:
    photographs = images_of("")
    in_px = measured(photographs).counts.surface_NK3
    in_mm = measured(images_of("", (2.0, 2.0))).counts.surface_NK3
    mixed = images_of("", (1.0, 1.0))
    assert mixed.spacing_mm is not None
    mixed.spacing_mm[3] = 2

    found = measured(mixed).counts.surface_NK3

    assert (photographs.unit, mixed.unit) == ("px", "mm")
    assert ((in_mm - 2) - 2 * (in_px - 2)).abs().max() <= 1  # a millionth, by rounding
    assert torch.equal(found[3], in_mm[3])
    assert torch.equal(found[:3], in_px[:3])


def test_nothing_is_measured_that_is_not_requested() -> None:
    usual = measured(images_of("volume", SPACING_MM), EvalConfig()).metrics

    assert not any(name.startswith(("hausdorff", "hd95", "assd", "hole")) for name in usual)
    assert "dice_volume" in usual


@pytest.mark.slow
def test_lesions_in_mm_equal_distance_transforms_of_the_volume(real_data: Path) -> None:
    """As medpy: surfaces by erosion, distances by scipy's transform with the volume's spacing."""
    import nibabel

    results = real_data / "wmh_vbnet_results"
    images = opened("wmh", real_data / "wmh_vbnet").splits["val"]
    file = nibabel.load(results / f"{images.names[0].split('/')[0]}.nii.gz")
    predicted_DHW = np.asarray(file.dataobj).transpose(2, 1, 0) > 0
    true_DHW = np.stack([images.labels_NHW[row] == 1 for row in range(len(images))])
    red = ImageList(
        np.stack([predicted_DHW * np.uint8(1)] * 3, axis=-1),
        images.labels_NHW,
        images.names,
        images.spacing_mm,
        images.series,
    )

    found = evaluate(
        lambda images_BCHW: torch.stack((1 - images_BCHW[:, 0] * 255, images_BCHW[:, 0] * 255), 1),
        red,
        2,
        4,
        CPU,
        config=EvalConfig(surface=True),
    ).metrics

    across_mm, down_mm, between_mm = map(float, file.header.get_zooms())
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (predicted_DHW, true_DHW)]
    spacing = (between_mm, down_mm, across_mm)
    to_predicted, to_true = (ndimage.distance_transform_edt(~edge, spacing) for edge in edges)
    pooled = np.concatenate((to_true[edges[0]], to_predicted[edges[1]]))
    assert found["hausdorff_volume"] == pytest.approx(pooled.max(), abs=1e-4)
    assert found["hd95_volume"] == pytest.approx(np.percentile(pooled, 95), abs=1e-4)
    both = (predicted_DHW & true_DHW).sum()
    expected = 2 * both / (predicted_DHW.sum() + true_DHW.sum())
    assert found["dice_volume"] == pytest.approx(expected)
    assert 0.81 <= round(found["dice_volume"], 2) <= 0.93  # its source's figures
