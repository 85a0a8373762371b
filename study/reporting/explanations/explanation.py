"""What an explanation of a loss is made from, and what it is."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from trainables.config import TrialConfig
from trainables.data import DataError, Dataset


@dataclass(frozen=True)
class Given:
    """The user's choices."""

    config: TrialConfig
    dataset: Dataset
    stages: Path
    """Folder with the trained stages of a storage."""
    image: str = ""
    """A test image: its name, or its place from 0; "": the first."""
    model: Path | None = None
    """Folder of a saved network; None: none."""

    @property
    def row(self) -> int:
        """The place of the chosen image in the test list.

        Raises:
            DataError: the list has no such image.
        """
        names = self.dataset.splits["test"].names
        if not self.image:
            return 0
        if self.image in names:
            return names.index(self.image)
        if self.image.isascii() and self.image.isdigit() and int(self.image) < len(names):
            return int(self.image)
        raise DataError(
            f"--image must name a test image or be its place, 0 to {len(names) - 1}, got "
            f"{self.image!r}"
        )


@dataclass(frozen=True)
class Explanation:
    """A text and a picture."""

    name: str
    """Of its files."""
    text: str
    """Markdown."""
    figure: Figure
