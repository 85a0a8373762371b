"""Scales, mirroring and windows of all heads, against closed forms."""

import pytest
import torch
from torch import Tensor

from trainables.config.evaluation import EvaluationProtocol
from trainables.metrics.inference import scores
from trainables.metrics.other_tasks.heads import CLASSES, Heads

HEADS = Heads({"edge": 1, "depth": 1, "normals": 3})


def predict(images_B3HW: Tensor) -> Tensor:
    """A wall at 2 m whose normal points 30 degrees to the right in a picture that is bright on
    the right, and to the left in its mirror image; half as far away at twice the size."""
    images, _, rows, columns = images_B3HW.shape
    side = images_B3HW[:, 0, :, -1].mean(dim=1) - images_B3HW[:, 0, :, 0].mean(dim=1)
    sign_B11 = side.sign().view(-1, 1, 1)
    shape = images, rows, columns
    depth_BHW = torch.full(shape, 2.0 * 12 / rows)
    normals = (0.5 * sign_B11.expand(shape), torch.zeros(shape), torch.full(shape, 0.75**0.5))
    logits_B2HW = torch.stack((images_B3HW[:, 0], -images_B3HW[:, 0]), dim=1)
    further = torch.stack((torch.full(shape, 0.4), depth_BHW, *normals), dim=1)
    return torch.cat((logits_B2HW, further), dim=1)


IMAGE = torch.linspace(0, 1, 20).expand(1, 3, 12, 20).contiguous()


@pytest.mark.parametrize(
    "how",
    [
        EvaluationProtocol(),
        EvaluationProtocol(flip=True),
        EvaluationProtocol(scales=(1.0, 2.0), flip=True),
    ],
    ids=str,
)
def test_a_mirrored_and_a_larger_view_agree_with_the_image(how: EvaluationProtocol) -> None:
    logits_BKHW, tasks = HEADS.split(scores(predict, IMAGE, how, HEADS))

    assert logits_BKHW.shape == (1, 2, 12, 20)
    torch.testing.assert_close(tasks["edge"], torch.full((1, 1, 12, 20), 0.4).sigmoid())
    torch.testing.assert_close(tasks["depth"], torch.full((1, 1, 12, 20), 2.0))
    along = torch.tensor([0.5, 0, 0.75**0.5]).view(1, 3, 1, 1).expand(1, 3, 12, 20)
    torch.testing.assert_close(tasks["normals"], along)


def test_windows_are_stitched() -> None:
    how = EvaluationProtocol(window=(12, 8), stride=(12, 5))

    def at_each_pixel(images_B3HW: Tensor) -> Tensor:
        red_BHW = images_B3HW[:, 0]
        maps = (red_BHW, 1 - red_BHW, red_BHW, 1 + red_BHW, red_BHW, red_BHW * 0, 1 - red_BHW)
        return torch.stack(maps, dim=1)

    _, tasks = HEADS.split(scores(at_each_pixel, IMAGE, how, HEADS))

    torch.testing.assert_close(tasks["depth"], 1 + IMAGE[:, :1])
    torch.testing.assert_close(tasks["edge"], IMAGE[:, :1].sigmoid())
    expected = torch.stack((IMAGE[:, 0], IMAGE[:, 0] * 0, 1 - IMAGE[:, 0]), dim=1)
    torch.testing.assert_close(tasks["normals"], torch.nn.functional.normalize(expected, dim=1))


def test_the_classes_are_as_without_other_heads() -> None:
    how = EvaluationProtocol(scales=(0.5, 1.0), flip=True)

    alone = scores(lambda images: predict(images)[:, :2], IMAGE, how)

    assert torch.equal(HEADS.split(scores(predict, IMAGE, how, HEADS))[0], alone)
    assert torch.equal(CLASSES.split(alone)[0], alone)


def test_no_depth_is_negative() -> None:
    maps = torch.full((1, 7, 2, 2), -1.0)

    assert not HEADS.split(HEADS.of_one(maps))[1]["depth"].any()
