"""Maps of PASCAL_MT from small files of its form, by hand."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from trainables.data import DataError
from trainables.data.layouts import pascal_mt
from trainables.data.target_files import Content

GROUPS = {  # PASCAL-Part's names, in the six groups of Chen et al. (CVPR 2016)
    1: "hair head lear lebrow leye mouth nose rear rebrow reye",
    2: "neck torso",
    3: "luarm ruarm",
    4: "lhand llarm rhand rlarm",
    5: "luleg ruleg",
    6: "lfoot llleg rfoot rlleg",
}
NAMES = [name for names in GROUPS.values() for name in names.split()]
SHAPE = (4, len(NAMES))


def mat(content: dict[str, object]) -> Content:
    buffer = BytesIO()
    savemat(buffer, content)
    return Path("a.mat"), buffer.getvalue()


def anno(objects: list[tuple[int, dict[str, NDArray[np.uint8]]]]) -> Content:
    """A file of objects: their class, and their parts by name."""
    rows = np.empty(
        (1, len(objects)), dtype=[(k, "O") for k in ("class", "class_ind", "mask", "parts")]
    )
    for place, (number, parts) in enumerate(objects):
        named = np.empty((1, len(parts)), dtype=[("part_name", "O"), ("mask", "O")])
        for column, (name, mask) in enumerate(parts.items()):
            named[0, column] = (name, mask)
        given = named if parts else np.zeros((0, 0))
        rows[0, place] = ("thing", number, np.ones(SHAPE, dtype=np.uint8), given)
    return mat({"anno": {"imname": "a", "objects": rows}})


def column(place: int) -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[1:3, place] = 1
    return mask


def test_every_part_of_a_person_has_its_group() -> None:
    parts = {name: column(place) for place, name in enumerate(NAMES)}
    first, second = dict(list(parts.items())[::2]), dict(list(parts.items())[1::2])
    found = pascal_mt.parts(anno([(15, first), (3, {"head": column(0) * 0 + 1}), (15, second)]))
    expected = [number for number, names in GROUPS.items() for _ in names.split()]
    assert found[1].tolist() == found[2].tolist() == expected
    assert not found[[0, 3]].any()
    assert len(pascal_mt.PARTS) == 1 + max(GROUPS)


def test_parts_are_missing_without_persons_that_have_some() -> None:
    assert (pascal_mt.parts(anno([(15, {})])) == 255).all()
    assert (pascal_mt.parts(anno([(3, {"head": column(0)})])) == 255).all()
    with pytest.raises(DataError, match=r"a.mat: part_name must be one of .*, got 'wing'"):
        pascal_mt.parts(anno([(15, {"wing": column(0)})]))
    with pytest.raises(DataError, match=r"a.mat: has no anno"):
        pascal_mt.parts(mat({"other": 1}))


def test_an_edge_is_where_the_laplacian_is_not_zero() -> None:
    labels = np.zeros((9, 12), dtype=np.uint16)
    labels[:, 6:] = 284
    edge = pascal_mt.edges(mat({"LabelMap": labels}))
    # Both sides of the change, thinned to a line.
    assert set(np.argwhere(edge)[:, 1]) <= {5, 6}
    assert edge.sum() <= 9
    assert edge.sum(axis=1)[1:-1].min() == 1


def test_normals_hold_on_classes_of_rooms() -> None:
    buffer = BytesIO()
    picture = np.full((2, 4, 3), (128, 128, 255), dtype=np.uint8)
    picture[1] = (0, 128, 128)
    Image.fromarray(picture).save(buffer, "PNG")
    labels = np.array([[72, 360, 427, 431]] * 2, dtype=np.uint16)  # chair, sky, tvmonitor, unknown
    found = pascal_mt.normals((Path("n.png"), buffer.getvalue()), mat({"LabelMap": labels}))
    np.testing.assert_allclose(found[0, 0], [0.004, 0.004, 1], atol=1e-3)
    np.testing.assert_allclose(found[1, 2], [-1, 0.004, 0.004], atol=1e-3)
    assert not found[:, [1, 3]].any()
