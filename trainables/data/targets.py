"""The maps of a sample beside its labels: what each kind holds, and what marks a missing value.

| map | type and shape | values | missing |
|---|---|---|---|
| ``edge`` | uint8 (H,W) | 1 on an edge, else 0 | 255 |
| ``depth`` | float32 (H,W) | metres, above 0 | 0 |
| ``normals`` | float32 (H,W,3) | unit vectors x, y, z | 0, 0, 0 |
| ``saliency`` | uint8 (H,W) | 1 where salient, else 0 | 255 |
| ``parts`` | uint8 (H,W) | 0 (background) .. P-1 | 255 |

Of a normal, x points to the right, y down, as pixels count, and z to the viewer. Depth is measured
along the camera's axis.

In a batch they are tensors (B,H,W), ``normals`` (B,3,H,W), of the same types.
Shape letters: B images, H rows, W columns.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName
from trainables.geometry.boundaries import VOID

TargetMap = NDArray[np.uint8 | np.float32]
TargetMaps = Mapping[TaskName, TargetMap]
"""Of one image, or of each image of a list, one behind the other."""
Targets = Mapping[TaskName, Tensor]
"""Of a batch."""
NO_TARGETS: TargetMaps = MappingProxyType({})
MISSING: Mapping[TaskName, int] = MappingProxyType(
    {"edge": VOID, "depth": 0, "normals": 0, "saliency": VOID, "parts": VOID}
)
"""By task, what stands where a map has no value."""
BYTES: Mapping[TaskName, int] = MappingProxyType(
    {"edge": 1, "depth": 4, "normals": 12, "saliency": 1, "parts": 1}
)
"""By task, what a pixel takes."""
