"""One page of sanity: what a dataset's labels are like, and what a study must not start on."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from trainables.config import DataConfig
from trainables.config.words import counted
from trainables.data.dataset import Sanity
from trainables.data.facts import Facts
from trainables.data.samples import Layout
from trainables.data.target_facts import target_faults
from trainables.geometry.boundaries import VOID

_VOID_NOTED, _VOID_WARNED = 0.1, 0.5
_NAMED = 5
"""How many classes a line names."""
_SHARES = 20
"""Of how many classes a line has the shares."""


def sanity_of(layout: Layout, config: DataConfig, facts: Mapping[str, Facts]) -> Sanity:
    """What these facts mean for a study."""
    own = {split: one for split, one in facts.items() if not _stands_in(split, layout, facts)}
    absent = {split: list(_absent(layout, one)) for split, one in own.items()}
    failures, warnings = [], [*_doubtful(layout, own), *_doubtful_files(own)]
    if missing := absent.pop("train", None):
        line = f"train: no pixel of {_classes(missing)}"
        # A few images of a list, or a publication's classes, are a choice that may lack some.
        if layout.fixed_classes or config.train_images:
            warnings.append(f"{line}, which cannot be learned")
        else:
            void = f"; 255 is void here: {layout.class_255} would make it a class"
            failures.append(
                f"{line}: give images that show them, or take them out of the classes and the masks"
                f"{void if facts['train'].labels_256[VOID] else ''}"
            )
    warnings += [
        f"{split}: no pixel of {_classes(names)}, which cannot be measured there"
        for split, names in absent.items()
        if names
    ]
    warnings += target_faults({split: one.targets for split, one in own.items()})
    flat = tuple(split for split, one in own.items() if not one.boundary)
    warnings += [f"{split}: no boundary at all: boundary losses need one" for split in flat]
    return Sanity(
        splits={split: _summary(layout, split, facts) for split in facts},
        failures=tuple(failures),
        warnings=(*warnings, *_overlaps(own)),
        notes=(*layout.notes, *_notes(own), *_same_list(layout, facts), *_sizes(config, own)),
        without_boundary=flat,
    )


def shared_with_test(facts: Mapping[str, Facts]) -> dict[str, int]:
    """By other split, how many images of the test list it has too, by content; none are left out.

    Images that choose or train, and then judge as well, flatter what they chose.
    """
    test = facts["test"].contents
    counts = {split: len(one.contents & test) for split, one in facts.items() if split != "test"}
    return {split: count for split, count in counts.items() if count}


def _stands_in(split: str, layout: Layout, facts: Mapping[str, Facts]) -> bool:
    """Whether this is a list that does not exist: another one, whose facts it has, is it too."""
    return split == layout.stand_in and facts["val"] is facts["test"]


def _absent(layout: Layout, facts: Facts) -> Iterator[str]:
    return (name for label, name in enumerate(layout.classes) if not facts.labels_256[label])


def _classes(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    word = "class" if len(names) == 1 else "classes"
    return f"{word} {', '.join(map(repr, names[:_NAMED]))}{more}"


def _doubtful(layout: Layout, facts: Mapping[str, Facts]) -> Iterator[str]:
    for split, one in facts.items():
        if one.void_share > _VOID_WARNED:
            yield f"{split}: {one.void_share:.1%} of all pixels are void (255): is 255 a class?"
        mixed = one.second_absent and one.labels_256[1] and len(layout.classes) == 2
        if mixed and not layout.fixed_classes:
            yield (
                f"{split}: {one.second_absent} of {one.images} masks hold void and no "
                f"{layout.classes[1]!r}, others hold both: is 255 a class in some of them?"
            )


def _overlaps(facts: Mapping[str, Facts]) -> Iterator[str]:
    for one, other in combinations(facts, 2):
        both = len(facts[one].contents & facts[other].contents)
        if both:
            yield (
                f"{counted(both, 'image')} of {one} {'are' if both > 1 else 'is'} "
                f"in {other} too, by content: figures of {other} are then not of unseen images"
            )


def _doubtful_files(own: Mapping[str, Facts]) -> Iterator[str]:
    """What of the files may mean something else than is made of it."""
    for split, one in own.items():
        if one.either_way:
            yield (
                f"{split}: {counted(one.either_way, 'image')} turned by EXIF orientation whose "
                f"masks have a size that fits both ways: masks must be drawn on the turned image"
            )
        if varies := one.alpha["varies"]:
            yield (
                f"{split}: {counted(varies, 'image')} with transparent pixels, whose colours are "
                f"used as if they were opaque: mark such pixels void in the masks; a fourth band "
                f"that is no transparency (infrared) must be stored as .npy or TIFF without alpha"
            )


def _notes(own: Mapping[str, Facts]) -> Iterator[str]:
    for split, one in own.items():
        if _VOID_NOTED < one.void_share <= _VOID_WARNED:
            yield f"{split}: {one.void_share:.1%} of all pixels are void"
        if one.turned:
            yield (
                f"{split}: images turned by their EXIF orientation: {one.turned}; their masks must "
                f"fit the turned image"
            )
        if one.as_stored:
            yield (
                f"{split}: {counted(one.as_stored, 'image')} left as stored in spite of an EXIF "
                f"orientation: only so has the mask the image's size"
            )
        if opaque := one.alpha["opaque"]:
            yield f"{split}: {counted(opaque, 'image')} with an alpha channel, opaque: left out"
        if kept := one.alpha["band"]:
            yield f"{split}: {counted(kept, 'image')} with an alpha channel, kept as a band"


def _same_list(layout: Layout, facts: Mapping[str, Facts]) -> Iterator[str]:
    """A line where one list serves for two."""
    if facts["val"] is facts["test"]:
        yield (
            f"what is chosen here is chosen and measured on the same images: the "
            f"{layout.lists.get('test', 'test list')}; data/holdout=10 holds out training images "
            f"to choose on"
        )


def _sizes(config: DataConfig, own: Mapping[str, Facts]) -> Iterator[str]:
    """That images differ in size, unless all are resized."""
    sizes = {size for facts in own.values() for size in facts.sizes}
    if not config.height and len(sizes) > 1:
        yield (
            f"images have {len(sizes)} sizes: each is evaluated at its own; to train on images of "
            f"differing sizes needs data/crop_height and data/crop_width"
        )


def _summary(layout: Layout, split: str, facts: Mapping[str, Facts]) -> str:
    if _stands_in(split, layout, facts):
        return f"the {layout.lists[split]}"
    return summary(layout, facts[split])


def summary(layout: Layout, one: Facts) -> str:
    """Images, share of each class, share of void, in one line."""
    shares = [f"{name} {one.share(label):.1%}" for label, name in enumerate(layout.classes)]
    left = len(shares) - _SHARES
    more = f" and {counted(left, 'more class', 'more classes')}" if left > 0 else ""
    return (
        f"{counted(one.images, 'image')}: {', '.join(shares[:_SHARES])}{more}; "
        f"void {one.void_share:.1%}"
    )
