"""Published figures of real predictions: OSVOS on DAVIS, a network on WMH's lesions."""

import gzip
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.trainables.metrics.conftest import SHARED
from trainables.metrics.other_tasks.video import davis_f, davis_j
from trainables.metrics.overlap import dice
from trainables.metrics.surface import assd, hausdorff, hd95, surface_distances

DAVIS = SHARED / "data" / "davis2016"
WMH = SHARED / "data"


def _mask(file: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(file)) > 0)[None]


def test_osvos_on_davis_has_the_j_that_its_source_states() -> None:
    if not DAVIS.exists():
        pytest.skip("needs DAVIS of the shared data")
    true = _mask(DAVIS / "DAVIS" / "Annotations" / "480p" / "car-shadow" / "00000.png")
    predicted = _mask(DAVIS / "results_osvos" / "car-shadow" / "00000.png")

    # "IoU with GT 0.97 at frame 0"
    assert davis_j(predicted, true).item() == pytest.approx(0.97, abs=0.005)
    assert 0.9 < davis_f(predicted, true).item() <= 1


def _volume(file: Path) -> tuple[Tensor, tuple[float, float, float]]:
    """A NIfTI-1 mask (slices, rows, columns) and its spacing in mm."""
    content = gzip.decompress(file.read_bytes())
    sizes = struct.unpack_from("<8h", content, 40)[1:4]
    code, offset = struct.unpack_from("<h", content, 70)[0], struct.unpack_from("<f", content, 108)
    spacing = struct.unpack_from("<8f", content, 76)[1:4]
    dtype = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2"}[code]
    values = np.frombuffer(content, dtype, math.prod(sizes), int(offset[0]))
    volume = values.reshape(sizes[::-1]) > 0.5
    return torch.from_numpy(volume), (spacing[2], spacing[1], spacing[0])


def test_lesions_have_the_dice_that_their_source_states() -> None:
    results = sorted((WMH / "wmh_vbnet_results").glob("*.nii.gz"))
    if not results:
        pytest.skip("needs the WMH results of the shared data")
    scores = []
    for file in results:
        predicted, spacing = _volume(file)
        true, _ = _volume(WMH / "wmh_vbnet" / file.name.removesuffix(".nii.gz") / "wmh.nii.gz")
        both = (predicted & true).sum()
        scores.append(dice(torch.stack((both, predicted.sum() - both, true.sum() - both))).item())
        distances = surface_distances(predicted, true, spacing)
        # Of the size of a brain in mm, in the order that their definitions have.
        assert 0 < assd(distances) < hd95(distances) < hausdorff(distances) < 200

    # "Dice 0.81-0.93 vs GT"
    assert min(scores) == pytest.approx(0.81, abs=0.005)
    assert max(scores) == pytest.approx(0.93, abs=0.005)
