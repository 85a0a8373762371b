"""What the tests of published layouts on real files share."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trainables.config import DataConfig
from trainables.data import Dataset, load


def listing(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def opened(dataset: str, root: Path, **changes: Any) -> Dataset:
    return load(DataConfig(dataset=dataset, root=str(root), **changes))


def raw(path: Path) -> Any:
    return np.asarray(Image.open(path))
