"""The files that ``data/images`` or ``data/masks`` names: of a folder, a pattern or a suffix."""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainables.data import files, photos, sample_table, volume_files

SUFFIXES = (*photos.SUFFIXES, *volume_files.SUFFIXES)
_WILD = "*?["
_FOUND = 8
"""How many folders a message shows."""
_MASK_WORDS = ("mask", "label", "annot", "manual", "truth", "gt", "seg", "target")
"""Of folders that a message proposes for masks; nothing is decided by them."""


@dataclass(frozen=True)
class NamedFiles:
    """Images or masks, in the order of their names."""

    names: tuple[str, ...] = ()
    """Paths without suffix, with ``/``: from the named folder, or from the dataset's."""
    paths: tuple[Path, ...] = ()
    ignored: tuple[str, ...] = field(default=(), compare=False)
    """Names of other files beside them."""

    def without(self, other: "NamedFiles") -> "NamedFiles":
        """Those that the other does not have."""
        known = set(other.paths)
        kept = [
            (name, path)
            for name, path in zip(self.names, self.paths, strict=True)
            if path not in known
        ]
        names, paths = zip(*kept, strict=True) if kept else ((), ())
        return NamedFiles(names, paths, self.ignored)


def is_pattern(text: str) -> bool:
    return any(letter in text for letter in _WILD)


def find(root: Path, text: str, beside: str = "") -> NamedFiles:
    """The files that a text names; none where it names nothing.

    Args:
        root: the dataset's folder.
        text: a folder below it, a pattern from it, or the end of files' names, with or without
            their suffix.
        beside: the folder of images, where masks may lie too: a pattern or an end is looked for
            there if the dataset's folder has none.
    """
    if (root / text).is_dir():
        return _listed(root / text, "**/*")
    for folder in dict.fromkeys(
        (root, root / beside) if is_pattern(text) else (root / beside, root)
    ):
        pattern = text if is_pattern(text) else f"**/*{glob.escape(text)}{_any_suffix(text)}"
        if folder.is_dir() and (found := _listed(folder, pattern)).paths:
            return found
    return NamedFiles()


def _any_suffix(text: str) -> str:
    return "" if text.lower().endswith(SUFFIXES) else ".*"


def _listed(folder: Path, pattern: str) -> NamedFiles:
    """The image files of a pattern, links followed; files of the operating system are left out."""
    kept = _files(folder, pattern) or _files(folder, f"{pattern}/**/*")
    images = [name for name in kept if name.lower().endswith(SUFFIXES)]
    junk = [name for name in kept if name not in set(images) or files.is_junk(Path(name))]
    images = [name for name in images if not files.is_junk(Path(name))]
    return NamedFiles(
        tuple(Path(name).with_suffix("").as_posix() for name in images),
        tuple(folder / name for name in images),
        tuple(Path(name).name for name in junk),
    )


def _files(folder: Path, pattern: str) -> list[str]:
    every = sorted(set(glob.glob(pattern, root_dir=folder, recursive=True)))
    return [name for name in every if os.path.isfile(folder / name)]


def places(root: Path, *texts: str) -> tuple[Path, ...]:
    """The folders below the dataset's that these texts name; a user may name a link."""
    found = []
    for text in filter(None, texts):
        parts = Path(text).parts
        fixed = next((n for n, part in enumerate(parts) if is_pattern(part)), len(parts))
        folder = root.joinpath(*parts[:fixed])
        found += [folder] if folder.is_dir() else []
    return tuple(found)


def seen(root: Path, *, has_classes: bool) -> str:
    """What a folder holds, and options that may fit, as the end of a message."""
    folders = _image_folders(root)
    shown = [f"{name}/ ({kinds})" for name, kinds in folders.items()]
    shown += [
        f"{path.name} (columns {', '.join(sample_table.columns(path))})"
        for path in sample_table.tables(root)
    ]
    if not shown:
        return "found: no image and no table"
    more = f" and {len(shown) - _FOUND} more" if len(shown) > _FOUND else ""
    return f"found: {', '.join(shown[:_FOUND])}{more}{_proposal(list(folders), has_classes)}"


def _image_folders(root: Path) -> dict[str, str]:
    """By folder with images, from the dataset's: their numbers, by suffix."""
    counts: dict[str, Counter[str]] = {}
    for folder, _, names in sorted(os.walk(root)):
        kinds = Counter(Path(name).suffix.lower()[1:] for name in _images(names))
        if kinds:
            counts[Path(folder).relative_to(root).as_posix()] = kinds
    return {
        name: ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        for name, kinds in counts.items()
    }


def _images(names: Sequence[str]) -> Iterator[str]:
    return (
        name for name in names if name.lower().endswith(SUFFIXES) and not files.is_junk(Path(name))
    )


def _proposal(folders: Sequence[str], has_classes: bool) -> str:
    masks = [name for name in folders if any(word in name.lower() for word in _MASK_WORDS)]
    images = [name for name in folders if name not in masks]
    if not (masks and images):
        return ""
    named = f"--images {_with_alike(images)} --masks {_with_alike(masks)}"
    return f"; try {named}{'' if has_classes else ' --classes background,foreground'}"


def _with_alike(folders: Sequence[str]) -> str:
    """The first folder, or a pattern for it and those of the same name beside it."""
    above, _, name = folders[0].rpartition("/")
    alike = [other for other in folders if other.rpartition("/")[2] == name]
    return f"'*/{name}'" if len(alike) > 1 and above and "/" not in above else folders[0]


def ignored(*several: NamedFiles) -> tuple[str, ...]:
    """A line about files beside the images that are none."""
    names = sorted({name for one in several for name in one.ignored})
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (f"ignored beside the images: {', '.join(names[:3])}{more}",) if names else ()
