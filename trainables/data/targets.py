"""The maps of a sample beside its labels: what each kind holds, and what marks a missing value.

| map | type and shape | values | missing |
|---|---|---|---|
| ``edge`` | uint8 (H,W) | 1 on an edge, else 0 | 255 |
| ``depth`` | float32 (H,W) | metres, above 0 | 0 |
| ``normals`` | float32 (H,W,3) | unit vectors, x to the right | 0, 0, 0 |
| ``saliency`` | uint8 (H,W) | 1 where salient, else 0 | 255 |
| ``parts`` | uint8 (H,W) | 0 (background) .. P-1 | 255 |

In a batch they are tensors (B,H,W), ``normals`` (B,3,H,W), of the same types.
Shape letters: B images, H rows, W columns.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from trainables.config.tasks import TaskName

TargetMap = NDArray[np.uint8 | np.float32]
TargetMaps = Mapping[TaskName, TargetMap]
"""Of one image."""
Targets = Mapping[TaskName, Tensor]
"""Of a batch."""
NO_TARGETS: TargetMaps = MappingProxyType({})
