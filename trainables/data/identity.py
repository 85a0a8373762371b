"""A dataset's digests: one of everything that decides a study's numbers, and the one before it."""

from collections.abc import Sequence

from trainables.config import DataConfig
from trainables.data.digest import ContentDigest, Digest
from trainables.data.fold_views import FoldLists
from trainables.data.samples import Decoded, Layout, Sample


class Identity:
    """Both digests of a dataset, while its samples are read in the order of its lists."""

    def __init__(self, layout: Layout, config: DataConfig) -> None:
        self._spacing_mm = layout.spacing_mm
        self._new, self._old = digest_of(layout, config), ContentDigest()

    def begin(self, split: str, samples: Sequence[Sample]) -> None:
        """The samples that are added from here on are of this split."""
        self._new.note(split, str(len(samples)).encode())

    def divide(self, folds: FoldLists) -> None:
        """The samples of the pool are divided into these lists."""
        for number, lists in enumerate(folds, start=1):
            for split, places in lists.items():
                self._new.note(f"fold {number} {split}", repr(tuple(places)).encode())

    def repeat(self, split: str) -> None:
        """The test list is the validation list, whose samples are not added twice."""
        self._new.note(split, b"as val")

    def add(self, sample: Sample, decoded: Decoded) -> None:
        spacing = self._spacing_mm[sample.name] if self._spacing_mm is not None else ()
        self._new.note("spacing", repr(tuple(spacing)).encode())
        self._new.add(decoded.image_HWC)
        self._new.add(decoded.labels_HW)
        for task, map_ in decoded.targets.items():
            self._new.note("target", task.encode())
            self._new.add(map_)
        for name, content in decoded.content:
            self._old.add(name, content)

    @property
    def digest(self) -> str:
        return self._new.text()

    @property
    def old_digest(self) -> str:
        return self._old.hex()


def digest_of(layout: Layout, config: DataConfig) -> Digest:
    """A digest that knows the layout's classes and rules, and no sample yet."""
    digest = Digest()
    for name in layout.classes:
        digest.note("class", name.encode(errors="surrogateescape"))
    digest.note("rules", layout.rules.encode())
    digest.note("size", f"{config.height}x{config.width}".encode())
    return digest
