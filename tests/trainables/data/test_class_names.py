"""Classes as `classes.txt` and ``data/class_names`` write them: the same, or refused alike."""

from pathlib import Path

import pytest

from trainables.config import DataConfig
from trainables.data import DataError, class_entries
from trainables.data import classes as class_file
from trainables.data.classes import Classes
from trainables.geometry.boundaries import VOID


def inline(text: str) -> Classes:
    return class_file.of(DataConfig(dataset="folder", root="/nowhere", class_names=text))


def in_file(folder: Path, text: str) -> Classes:
    (folder / "classes.txt").write_text(text)
    return class_file.of(DataConfig(dataset="folder", root=str(folder)))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("membrane\ncell\n", "membrane,cell"),
        ("background 0\nvessel 255\n", "background=0, vessel=255"),
        ("background\nvessel 255\n", "background,vessel=255"),
        ("road 128 64 128\nsky 0 0 255\n", "road=128/64/128,sky=0/0/255"),
        ("a\nb\nvoid 0\n", "a,b,void=0"),
        ("a\nb\nvoid 224 224 192\nvoid 7\n", "a,b,void=224/224/192,void=7"),
        ("background\nnucleus nonzero\n", "background,nucleus=nonzero"),
        ("wet grass\ndry grass 9\n", "wet grass,dry grass=9"),
    ],
)
def test_both_say_the_same(tmp_path: Path, file: str, text: str) -> None:
    one, other = in_file(tmp_path, file), inline(text)
    assert one.by_value == other.by_value
    assert one.by_colour == other.by_colour
    assert (one.names, one.nonzero, one.pictures) == (other.names, other.nonzero, other.pictures)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a,b", {0: 0, 1: 1, VOID: VOID}),
        ("a=0,b=255", {0: 0, 255: 1}),
        ("a=255,b=0", {255: 0, 0: 1}),
        ("a,b=255,c", {0: 0, 255: 1, 2: 2}),
        ("a,b,void=0", {1: 0, 2: 1, 0: VOID, VOID: VOID}),
        ("a=10,b=20,void=0", {10: 0, 20: 1, 0: VOID, VOID: VOID}),
    ],
)
def test_a_class_has_its_value_or_its_place(text: str, values: dict[int, int]) -> None:
    assert inline(text).by_value == values


@pytest.mark.parametrize("file", ["type 1\ntype 2\n", "a 300\nb\n", "mix\nmix 7\n"])
def test_numbers_that_are_a_part_of_names_stay(tmp_path: Path, file: str) -> None:
    found = in_file(tmp_path, file)
    assert found.names == tuple(file.splitlines())
    assert not found.values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cell", "--classes: must name 2..255 classes, got 1"),
        ("a,,b", "--classes: must be names with commas"),
        ("a,b=", "--classes: must be names with commas"),
        ("a,b=1/2", "the value of 'b' must be a number, three of a colour with / between them"),
        ("a,b=all", "the value of 'b' must be a number, three of a colour with / between them"),
        ("a,b=256", "--classes: a colour and a void value must be 0..255, got 256"),
        ("a,b,a", "--classes: class 'a' is named twice"),
        ("a=1,b", "--classes: 'a' and 'b' have the value 1"),
        ("a,b=0", "--classes: 'a' and 'b' have the value 0"),
        ("a=7,b=9,void=7", "--classes: 'a' and void have the value 7"),
        ("a=1/2/3,b=1/2/3", "--classes: the colour 1 2 3 is given twice"),
        ("a,b,void", "void must have one value or a colour, as in `void=0` or `void=224/224/192`"),
        ("a=nonzero,b", "`nonzero` must follow the second of two names, .* `nucleus=nonzero`"),
        ("a=3,b=nonzero", "a colour or `void=0` must not stand beside it"),
    ],
)
def test_what_cannot_be_understood_is_one_line(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as raised:
        inline(text)
    assert "\n" not in str(raised.value)


def test_a_message_shows_how_it_is_written_there() -> None:
    source, _ = class_entries.of_text("a,b")
    assert source.entry("road", 1, 2, 3) == "road=1/2/3"
    assert class_entries.Source("/data/classes.txt").entry("road", 1, 2, 3) == "road 1 2 3"
