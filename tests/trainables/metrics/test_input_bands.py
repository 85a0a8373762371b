"""Views at the test: maps behind an image's bands are scaled and mirrored as their kind must be."""

import torch
import torch.nn.functional as F

from trainables.config.evaluation import EvaluationProtocol
from trainables.config.inputs import INPUTS
from trainables.metrics.inference import probabilities, resize, scores

IMAGES = torch.rand(2, 7, 6, 8, generator=torch.Generator().manual_seed(0))
NAMES = INPUTS


def _seen(how: EvaluationProtocol) -> list[torch.Tensor]:
    views: list[torch.Tensor] = []

    def predict(images_BCHW: torch.Tensor) -> torch.Tensor:
        views.append(images_BCHW)
        return images_BCHW[:, :2]

    scores(predict, IMAGES, how, inputs=NAMES)
    return views


def test_mirrored_normals_point_the_other_way() -> None:
    plain, mirrored = _seen(EvaluationProtocol(flip=True))
    assert torch.equal(plain, IMAGES)
    assert torch.equal(mirrored[:, :4], IMAGES[:, :4].flip(-1))
    assert torch.equal(mirrored[:, 4], -IMAGES[:, 4].flip(-1))
    assert torch.equal(mirrored[:, 5:], IMAGES[:, 5:].flip(-1))


def test_what_is_twice_as_large_is_half_as_far_and_no_surface_is_mixed() -> None:
    (view,) = _seen(EvaluationProtocol(scales=(2.0,)))
    twice = IMAGES.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
    assert torch.equal(view[:, 3], twice[:, 3] / 2)
    assert torch.equal(view[:, 4:], twice[:, 4:])
    assert torch.equal(view[:, :3], resize(IMAGES[:, :3], (12, 16)))
    (small,) = _seen(EvaluationProtocol(scales=(0.5,)))
    assert torch.equal(small[:, 3], IMAGES[:, 3, ::2, ::2] * 2)
    assert torch.equal(small[:, 4:], F.interpolate(IMAGES[:, 4:], (3, 4), mode="nearest"))


def test_without_maps_nothing_changes() -> None:
    how = EvaluationProtocol(scales=(0.5, 1.0), flip=True)

    def predict(images_BCHW: torch.Tensor) -> torch.Tensor:
        return images_BCHW.roll(1, dims=-1)

    expected = torch.zeros_like(IMAGES)
    for size in ((3, 4), (6, 8)):
        view = resize(IMAGES, size)
        for flipped in (False, True):
            found = predict(view.flip(-1) if flipped else view)
            found = resize(found, (6, 8)).softmax(dim=1)
            expected += found.flip(-1) if flipped else found
    assert torch.allclose(probabilities(predict, IMAGES, how), expected / 4)
