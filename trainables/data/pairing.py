"""Which mask belongs to which image, by their names alone.

A mask belongs to the image with which it shares what differs from name to name: ``img_001`` and
``img_001_mask``, ``21_training`` and ``21_manual1``. What all names of a list have in common says
nothing, and is left out. Files are paired only if that pairs all of them; never by their order.
Names are paths with ``/`` and without suffix.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
"""A number, a word, or what is between them."""
Key = tuple[object, ...]
_Keys = Callable[[Sequence[str], int], list[Key]]
"""Names, and how many of them must have something in common for it to say nothing."""


@dataclass(frozen=True)
class Pairing:
    """The places of images and masks in their lists."""

    pairs: tuple[tuple[int, int], ...]
    """In the order of the images."""
    images: tuple[int, ...]
    """Without a mask."""
    masks: tuple[int, ...]
    """Without an image."""
    several: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()
    """Images and masks that have the same key, more than one of either."""

    @property
    def is_complete(self) -> bool:
        return not (self.images or self.masks or self.several)


def pair(images: Sequence[str], masks: Sequence[str]) -> Pairing:
    """Pair all images and masks, or else as many as names allow: see ``is_complete``."""
    found: list[Pairing] = []
    for keys in (_whole, _differing, _differing_once):
        found.append(_matched(keys(images, len(images)), keys(masks, len(masks))))
        if found[-1].is_complete:
            return found[-1]
    best = max(found, key=lambda one: len(one.pairs))
    if 2 * len(best.pairs) >= min(len(images), len(masks)):
        return best
    # What most names have in common explains a list with a file too many; it pairs nothing.
    for keys in (_differing, _differing_once):
        most = _matched(keys(images, len(images) // 2 + 1), keys(masks, len(masks) // 2 + 1))
        found += [] if most.is_complete else [most]
    return max(found, key=lambda one: len(one.pairs))


def _matched(images: Sequence[Key], masks: Sequence[Key]) -> Pairing:
    of_image, of_mask = _places(images), _places(masks)
    both = [key for key in of_image if key in of_mask]
    pairs = [(of_image[key], of_mask[key]) for key in both]
    return Pairing(
        tuple((one[0], other[0]) for one, other in pairs if len(one) == len(other) == 1),
        tuple(place for key, one in of_image.items() if key not in of_mask for place in one),
        tuple(place for key, one in of_mask.items() if key not in of_image for place in one),
        tuple((tuple(a), tuple(b)) for a, b in pairs if len(a) > 1 or len(b) > 1),
    )


def _places(keys: Sequence[Key]) -> dict[Key, list[int]]:
    places: dict[Key, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places


def _whole(names: Sequence[str], _: int) -> list[Key]:
    return [(name,) for name in names]


def _differing(names: Sequence[str], least: int) -> list[Key]:
    """By folder and name, the numbers and words in which names differ."""
    columns = [_differing_tokens(column, least) for column in _columns(names)]
    return [tuple(part for part in row if part) for row in zip(*columns, strict=True)]


def _differing_once(names: Sequence[str], least: int) -> list[Key]:
    """The same, each number or word once: a folder often repeats what a name says."""
    columns = [_differing_tokens(column, least) for column in _columns(names)]
    rows = zip(*columns, strict=True)
    return [tuple(dict.fromkeys(token for part in row for token in part)) for row in rows]


def _columns(names: Sequence[str]) -> list[list[str]]:
    """Names cut at ``/``: the first folders, the second ones ..., the last parts."""
    parts = [name.split("/") for name in names]
    if len({len(one) for one in parts}) > 1:
        parts = [["/".join(one[:-1]), one[-1]] for one in parts]
    return [list(column) for column in zip(*parts, strict=True)]


def _differing_tokens(texts: Sequence[str], least: int) -> list[tuple[str, ...]]:
    """The numbers and words of each text without what ``least`` texts have at the same place."""
    rows: list[Sequence[str]] = [_TOKEN.findall(text) for text in texts]
    rows = _without_common_start(rows, least)
    rows = [row[::-1] for row in _without_common_start([row[::-1] for row in rows], least)]
    if len({len(row) for row in rows}) == 1:
        columns = [Counter(column) for column in zip(*rows, strict=True)]
        rows = [
            [token for token, counts in zip(row, columns, strict=True) if counts[token] < least]
            for row in rows
        ]
    return [tuple(filter(_says_something, row)) for row in rows]


def _without_common_start(rows: Sequence[Sequence[str]], least: int) -> list[Sequence[str]]:
    starts, place = [0] * len(rows), 0
    while True:
        going = [index for index, row in enumerate(rows) if starts[index] == place < len(row)]
        (token, count), *_ = Counter(rows[index][place] for index in going).most_common(1) or [
            ("", 0)
        ]
        if not going or count < least:
            return [row[start:] for row, start in zip(rows, starts, strict=True)]
        for index in going:
            starts[index] += rows[index][place] == token
        place += 1


def _says_something(token: str) -> bool:
    return token[0].isalnum()


def described(pairing: Pairing, images: Sequence[str], masks: Sequence[str]) -> str:
    """Everything that hinders an incomplete pairing, in one line.

    Args:
        pairing: of ``pair``.
        images: as they are shown to the user, in the order of the names.
        masks: the same.
    """
    several = [
        [images[place] for place in ones] + [masks[place] for place in others]
        for ones, others in pairing.several
    ]
    lines = [
        _listed("image", "images", "without a mask", [images[place] for place in pairing.images]),
        _listed("mask", "masks", "without an image", [masks[place] for place in pairing.masks]),
        _listed("name", "names", "that more than two files share", map(" = ".join, several)),
    ]
    return "; ".join(line for line in lines if line)


NAMED = 5
"""How many files a line names."""


def _listed(one: str, many: str, what: str, names: Iterable[str]) -> str:
    every = list(names)
    if not every:
        return ""
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    word = one if len(every) == 1 else many
    return f"{len(every)} {word} {what}: {', '.join(every[:NAMED])}{more}"
