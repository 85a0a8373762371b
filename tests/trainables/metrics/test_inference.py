"""Complete images: a pixelwise model gives the same prediction by every way of inference."""

import pytest
import torch
from torch import Tensor

from trainables.metrics.inference import (
    MULTI_SCALE,
    Inference,
    evaluate,
    padded,
    predicted_labels,
    probabilities,
    resize,
)


def _pixelwise(images_BCHW: Tensor) -> Tensor:
    """Logits that depend on the pixel alone: class 1 where it is bright."""
    return torch.cat((-4 * images_BCHW, 4 * images_BCHW), dim=1)


def _halves(rows: int = 24, columns: int = 40) -> Tensor:
    image = torch.full((1, 1, rows, columns), -1.0)
    image[..., columns // 2 :] = 1.0
    return image


IMAGES = torch.randn(2, 1, 23, 37, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window", [(8, 8), (7, 13), (23, 5), (100, 10), (100, 100)])
@pytest.mark.parametrize("stride", [None, (1, 3), (5, 5)])
def test_windows_of_a_pixelwise_model_equal_the_complete_image(
    window: tuple[int, int], stride: tuple[int, int] | None
) -> None:
    found = probabilities(_pixelwise, IMAGES, how=Inference(window=window, stride=stride))

    torch.testing.assert_close(found, _pixelwise(IMAGES).softmax(dim=1))


def test_windows_have_their_size_and_cover_all() -> None:
    seen: list[tuple[int, ...]] = []

    def predict(images_BCHW: Tensor) -> Tensor:
        seen.append(tuple(images_BCHW.shape[-2:]))
        return _pixelwise(images_BCHW)

    probabilities(predict, IMAGES, how=Inference(window=(10, 10), stride=(10, 10)))

    # 23 rows: 0, 10, 13; 37 columns: 0, 10, 20, 27.
    assert seen == [(10, 10)] * 12


def test_overlapping_windows_are_averaged_in_probability() -> None:
    logits = iter((torch.tensor([0.0, 9.0]), torch.tensor([0.0, -9.0])))

    def predict(images_BCHW: Tensor) -> Tensor:
        return next(logits).view(1, 2, 1, 1).expand(1, 2, *images_BCHW.shape[-2:])

    found = probabilities(
        predict, torch.zeros(1, 1, 1, 3), how=Inference(window=(1, 2), stride=(1, 1))
    )

    high = torch.tensor(9.0).sigmoid()
    torch.testing.assert_close(found[0, 1, 0], torch.stack((high, torch.tensor(0.5), 1 - high)))


def test_mirroring_is_undone_and_averaged() -> None:
    columns = torch.arange(4.0).view(1, 1, 1, 4)

    def by_place(images_BCHW: Tensor) -> Tensor:
        """Logits that depend on the pixel's place alone: class 1 on the right."""
        logits = columns.expand(images_BCHW.shape) - 1.5
        return torch.cat((-logits, logits), dim=1)

    found = probabilities(by_place, torch.zeros(1, 1, 1, 4), how=Inference(flip=True))

    # What the plain view predicts on one side, the mirrored one predicts on the other.
    torch.testing.assert_close(found, torch.full((1, 2, 1, 4), 0.5))
    mirrored = probabilities(_pixelwise, IMAGES, how=Inference(flip=True))
    torch.testing.assert_close(mirrored, _pixelwise(IMAGES).softmax(dim=1))


def test_scales_predict_images_of_their_size() -> None:
    sizes: list[tuple[int, ...]] = []

    def predict(images_BCHW: Tensor) -> Tensor:
        sizes.append(tuple(images_BCHW.shape[-2:]))
        return _pixelwise(images_BCHW)

    found = probabilities(predict, _halves(), how=MULTI_SCALE)

    expected = [(12, 20), (18, 30), (24, 40), (30, 50), (36, 60), (42, 70), (48, 80)]
    assert sizes == [size for size in expected for _ in range(2)]
    assert found.shape == (1, 2, 24, 40)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(1, 24, 40))
    labels = predicted_labels(predict, _halves(), how=MULTI_SCALE)
    assert torch.equal(labels[0], (torch.arange(40) >= 20).long().expand(24, 40))


@pytest.mark.parametrize("size", [(48, 80), (11, 17), (24, 40)])
@pytest.mark.parametrize("how", [Inference(), Inference(window=(16, 16)), MULTI_SCALE])
def test_the_result_has_the_labels_own_size(size: tuple[int, int], how: Inference) -> None:
    labels = predicted_labels(_pixelwise, _halves(), size, how)

    assert labels.shape == (1, *size)
    assert labels.dtype == torch.int64
    assert (labels[..., : size[1] // 2 - 1] == 0).all()
    assert (labels[..., size[1] // 2 + 1 :] == 1).all()


def test_images_are_evaluated_at_their_labels_resolution() -> None:
    labels = (torch.arange(80) >= 40).long().expand(1, 48, 80).clone()
    labels[:, :10] = 255

    counts = evaluate(_pixelwise, _halves(24, 40), labels, 2, Inference(window=(16, 16)))

    assert counts.overlap_NK3.tolist() == [[[38 * 40, 0, 0], [38 * 40, 0, 0]]]


def test_coarse_logits_are_enlarged() -> None:
    def coarse(images_BCHW: Tensor) -> Tensor:
        return _pixelwise(resize(images_BCHW, (6, 10)))

    labels = predicted_labels(coarse, _halves())

    assert torch.equal(labels[0], (torch.arange(40) >= 20).long().expand(24, 40))


def test_padding_allows_a_model_that_needs_a_multiple() -> None:
    def demanding(images_BCHW: Tensor) -> Tensor:
        assert images_BCHW.shape[-2] % 16 == images_BCHW.shape[-1] % 16 == 0
        return _pixelwise(images_BCHW)

    found = probabilities(padded(demanding, 16), IMAGES)

    torch.testing.assert_close(found, _pixelwise(IMAGES).softmax(dim=1))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scales": ()}, "scales must be one or more different positive numbers"),
        ({"scales": (1.0, 0.0)}, "scales must be one or more different positive numbers"),
        ({"scales": (1.0, 1.0)}, "scales must be one or more different positive numbers"),
        ({"window": (0, 5)}, "window must be at least 1 by 1"),
        ({"window": (4, 4), "stride": (5, 4)}, "stride must be 1 to the window"),
        ({"stride": (5, 4)}, "stride must be left out without a window"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, tuple[int, int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Inference(**wrong)  # type: ignore[arg-type]
