"""Complete images: scales, mirroring and windows, against loops by hand and pixelwise models."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.config.evaluation import SCALES, EvaluationProtocol
from trainables.metrics.inference import PLAIN, probabilities, resize, scores

MULTI_SCALE = EvaluationProtocol(scales=SCALES["abl_cityscapes"], flip=True)


def _windows(window: tuple[int, int], stride: tuple[int, int]) -> EvaluationProtocol:
    return EvaluationProtocol(window=window, stride=stride)


def _pixelwise(images_BCHW: Tensor) -> Tensor:
    """Logits that depend on the pixel alone: class 1 where it is bright."""
    return torch.cat((-4 * images_BCHW, 4 * images_BCHW), dim=1)


def _network() -> torch.nn.Module:
    """Logits that depend on a pixel's surroundings."""
    torch.manual_seed(0)
    return torch.nn.Conv2d(1, 3, 5, padding=2).requires_grad_(False)


def _halves(rows: int = 24, columns: int = 40) -> Tensor:
    image = torch.full((1, 1, rows, columns), -1.0)
    image[..., columns // 2 :] = 1.0
    return image


IMAGES = torch.randn(2, 1, 23, 37, generator=torch.Generator().manual_seed(0))


def test_one_complete_prediction_is_the_model_s_own() -> None:
    """Bit for bit, and without a softmax: there is nothing to average."""
    network = _network()
    assert torch.equal(scores(network, IMAGES), network(IMAGES))


@pytest.mark.parametrize("window", [(8, 8), (7, 13), (23, 5), (100, 10), (100, 100)])
@pytest.mark.parametrize("stride", [(5, 5), (1, 3)])
def test_windows_of_a_pixelwise_model_equal_the_complete_image(
    window: tuple[int, int], stride: tuple[int, int]
) -> None:
    found = probabilities(_pixelwise, IMAGES, _windows(window, stride))

    torch.testing.assert_close(found, _pixelwise(IMAGES).softmax(dim=1))


def test_windows_at_a_stride_of_their_size_are_tiles() -> None:
    """Each tile is predicted by itself, and no pixel twice."""
    network, images = _network(), IMAGES[..., :20, :30]
    found = probabilities(network, images, _windows((10, 15), (10, 15)))

    for top in (0, 10):
        for left in (0, 15):
            tile = (..., slice(top, top + 10), slice(left, left + 15))
            assert torch.equal(found[tile], network(images[tile]).softmax(dim=1))


def test_windows_have_their_size_and_cover_all() -> None:
    seen: list[tuple[int, ...]] = []

    def predict(images_BCHW: Tensor) -> Tensor:
        seen.append(tuple(images_BCHW.shape[-2:]))
        return _pixelwise(images_BCHW)

    probabilities(predict, IMAGES, _windows((10, 10), (10, 10)))

    # 23 rows: 0, 10, 13; 37 columns: 0, 10, 20, 27.
    assert seen == [(10, 10)] * 12


def test_overlapping_windows_are_averaged_in_probability() -> None:
    logits = iter((torch.tensor([0.0, 9.0]), torch.tensor([0.0, -9.0])))

    def predict(images_BCHW: Tensor) -> Tensor:
        return next(logits).view(1, 2, 1, 1).expand(1, 2, *images_BCHW.shape[-2:])

    found = probabilities(predict, torch.zeros(1, 1, 1, 3), _windows((1, 2), (1, 1)))

    high = torch.tensor(9.0).sigmoid()
    torch.testing.assert_close(found[0, 1, 0], torch.stack((high, torch.tensor(0.5), 1 - high)))


def test_mirroring_is_undone_and_averaged() -> None:
    columns = torch.arange(4.0).view(1, 1, 1, 4)

    def by_place(images_BCHW: Tensor) -> Tensor:
        """Logits that depend on the pixel's place alone: class 1 on the right."""
        logits = columns.expand(images_BCHW.shape) - 1.5
        return torch.cat((-logits, logits), dim=1)

    mirror = EvaluationProtocol(flip=True)
    found = probabilities(by_place, torch.zeros(1, 1, 1, 4), mirror)

    # What the plain view predicts on one side, the mirrored one predicts on the other.
    torch.testing.assert_close(found, torch.full((1, 2, 1, 4), 0.5))
    mirrored = probabilities(_pixelwise, IMAGES, mirror)
    torch.testing.assert_close(mirrored, _pixelwise(IMAGES).softmax(dim=1))


def _bilinear(maps: Tensor, size: tuple[int, int]) -> Tensor:
    shrinks = size < tuple(maps.shape[-2:])
    return F.interpolate(maps, size, mode="bilinear", align_corners=False, antialias=shrinks)


def test_scales_and_mirroring_equal_a_loop_by_hand() -> None:
    network, image = _network(), IMAGES[:1]
    total = torch.zeros(1, 3, 23, 37)
    for size in ((12, 18), (17, 28), (23, 37), (29, 46), (34, 56), (40, 65), (46, 74)):
        view = _bilinear(image, size)
        for flip in (False, True):
            logits = network(view[..., torch.arange(size[1]).flip(0)] if flip else view)
            logits = _bilinear(logits, (23, 37))
            share = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
            total += share[..., torch.arange(37).flip(0)] if flip else share

    found = scores(network, image, MULTI_SCALE)
    torch.testing.assert_close(found.exp(), total / 14, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.exp().sum(dim=1), torch.ones(1, 23, 37))


def test_scales_predict_images_of_their_size() -> None:
    sizes: list[tuple[int, ...]] = []

    def predict(images_BCHW: Tensor) -> Tensor:
        sizes.append(tuple(images_BCHW.shape[-2:]))
        return _pixelwise(images_BCHW)

    labels = scores(predict, _halves(), MULTI_SCALE).argmax(dim=1)

    expected = [(12, 20), (18, 30), (24, 40), (30, 50), (36, 60), (42, 70), (48, 80)]
    assert sizes == [size for size in expected for _ in range(2)]
    assert torch.equal(labels[0], (torch.arange(40) >= 20).long().expand(24, 40))


def test_windows_are_cut_from_scaled_images_that_are_larger() -> None:
    sizes: list[tuple[int, ...]] = []

    def predict(images_BCHW: Tensor) -> Tensor:
        sizes.append(tuple(images_BCHW.shape[-2:]))
        return _pixelwise(images_BCHW)

    how = EvaluationProtocol(scales=(0.5, 2.0), window=(24, 40), stride=(24, 40))
    found = probabilities(predict, _halves(), how)
    assert sizes == [(12, 20), *[(24, 40)] * 4]
    assert found.shape == (1, 2, 24, 40)


def test_coarse_logits_are_enlarged() -> None:
    def coarse(images_BCHW: Tensor) -> Tensor:
        return _pixelwise(resize(images_BCHW, (6, 10)))

    found = probabilities(coarse, _halves())

    assert torch.equal(found.argmax(dim=1)[0], (torch.arange(40) >= 20).long().expand(24, 40))


def test_a_class_without_any_probability_has_a_finite_logarithm() -> None:
    """Or the loss of a single pixel would be infinite."""

    def sure(images_BCHW: Tensor) -> Tensor:
        return torch.cat((images_BCHW - 1000, images_BCHW), dim=1)

    assert PLAIN.is_plain
    assert scores(sure, IMAGES, EvaluationProtocol(flip=True)).isfinite().all()
