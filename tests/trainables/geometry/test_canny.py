"""Canny's edges beside a compiled network."""

import warnings

import torch

from trainables.geometry.canny import canny_edges


def test_a_compiled_network_calls_it_as_it_is_without_a_warning() -> None:
    images_BCHW = torch.zeros(1, 1, 12, 12, dtype=torch.uint8)
    images_BCHW[:, :, :, 6:] = 255
    plain_BHW = canny_edges(images_BCHW)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled_BHW = torch.compile(canny_edges, backend="eager")(images_BCHW)
    assert plain_BHW.sum() > 0
    assert torch.equal(compiled_BHW, plain_BHW)
