"""Files of maps that hold something else: one line that names the file, whatever the bytes."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from trainables.data import DataError
from trainables.data.layouts import nyuv2, pascal_mt
from trainables.data.rasters import read_numpy
from trainables.data.target_files import Content, depth_npy, saliency_png
from trainables.data.targets import TargetMap


def mat(**variables: object) -> bytes:
    file = io.BytesIO()
    savemat(file, variables)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, depth=np.ones((2, 2)))
    return file.getvalue()


def grey(*values: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.array([values], dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("read", "content", "line"),
    [
        (depth_npy, archive(), "cannot be decoded"),
        (depth_npy, b"PK\x03\x04 and no archive", "cannot be decoded"),
        (depth_npy, b"", "cannot be decoded"),
        (pascal_mt.edges, b"", "cannot be read"),
        (pascal_mt.edges, b"no MATLAB", "cannot be read"),
        (pascal_mt.edges, mat(LabelMap=np.ones((9, 9)))[:-20], "cannot be read"),
        (pascal_mt.edges, mat(other=1), "has no LabelMap"),
        (pascal_mt.parts, mat(anno=np.zeros((3, 3))), "must hold anno.objects with mask"),
        (pascal_mt.parts, mat(anno={"objects": {"class": "person"}}), "must hold anno.objects"),
        (saliency_png, grey(0, 1, 1), "saliency must be 255 where it is white, got 0 and 1"),
    ],
)
def test_a_file_that_holds_something_else_is_named(
    read: Callable[[Content], TargetMap], content: bytes, line: str
) -> None:
    with pytest.raises(DataError) as caught:
        read((Path("a/1"), content))
    assert str(caught.value).startswith(f"a/1: {line}")
    assert "\n" not in str(caught.value)


def test_saliency_may_be_nowhere() -> None:
    assert saliency_png((Path("1"), grey(0, 0))).tolist() == [[0, 0]]
    assert saliency_png((Path("1"), grey(0, 255, 3))).tolist() == [[0, 1, 0]]


def test_an_image_that_only_begins_as_an_archive_is_named() -> None:
    with pytest.raises(DataError, match=r"1\.npy: cannot be decoded"):
        read_numpy(Path("1.npy"), b"PK\x03\x04 and no archive", None)


def test_a_list_of_numbers_that_is_no_matlab_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "splits.mat").write_bytes(b"no MATLAB")
    with pytest.raises(DataError, match=r"splits\.mat: cannot be read"):
        nyuv2._official_numbers(tmp_path)
    (tmp_path / "splits.mat").write_bytes(mat(trainNdxs=[1]))
    with pytest.raises(DataError, match=r"splits\.mat: has no testNdxs"):
        nyuv2._official_numbers(tmp_path)
