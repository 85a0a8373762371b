"""What every refinement sees of an image."""

import torch

from trainables.config.refine import DenseCRFConfig
from trainables.refinement.dense_crf import dense_crf
from trainables.refinement.refine import of_images


def test_maps_behind_an_image_are_no_colours() -> None:
    refine = dense_crf(DenseCRFConfig(steps=2))
    images, logits = torch.rand(2, 3, 6, 8), torch.randn(2, 4, 6, 8)
    metres, normals = 9 * torch.rand(2, 1, 6, 8), torch.rand(2, 3, 6, 8)
    seen = torch.cat((images, metres, normals), dim=1)
    alone = refine(images, logits)
    assert torch.equal(of_images(refine, ("depth", "normals"))(seen, logits), alone)
    assert torch.equal(of_images(refine, ())(images, logits), alone)
