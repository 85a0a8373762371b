"""Digests of a dataset: the present one, and the one before it."""

import hashlib

import numpy as np
from numpy.typing import NDArray

_VERSION = "2-"
"""Before a digest; raised whenever one covers something else. The first version has none."""


class Digest:
    """A hash of what decides a study's numbers: class names, rules, splits, pixels and labels."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(_VERSION.encode())

    def note(self, name: str, content: bytes) -> None:
        """Add a named fact."""
        self._hash.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        self._hash.update(content)

    def add(self, pixels: NDArray[np.uint8 | np.uint16 | np.float32]) -> None:
        """Add an image or its labels, as decoded."""
        self.note(f"{pixels.dtype} {pixels.shape}", pixels.tobytes())

    def text(self) -> str:
        """The version, and sixteen hex digits."""
        return f"{_VERSION}{self._hash.hexdigest()[:16]}"


class ContentDigest:
    """The first version: a hash of the files, in the order of the lists, and of nothing else.

    Ledgers of that time have it; a study of theirs can only be resumed by comparing it.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, name: str, content: bytes) -> None:
        self._hash.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        self._hash.update(content)

    def hex(self) -> str:
        return self._hash.hexdigest()[:16]


def is_old(digest: str) -> bool:
    """Whether a digest is of the first version, which leaves out what decides a study's numbers."""
    return not digest.startswith(_VERSION)
