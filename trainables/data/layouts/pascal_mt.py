"""PASCAL_MT: PASCAL-Context with five tasks, as ASTMT and Multi-Task-Learning-PyTorch read it.

`JPEGImages/ID.jpg`; `semseg/VOC12/ID.png`, or else `semseg/pascal-context/ID.png` (0 background,
1..20, void 255); `ImageSets/Context/{train,val}.txt` (4998 and 5105 images). For `data/targets`:
- edge: `pascal-context/trainval/ID.mat`, a label map of 459 classes: its Laplacian is not zero,
  thinned;
- normals: `normals_distill/ID.png`, what another network predicts, where the label map has a class
  that NYUv2 has too;
- saliency: `sal_distill/ID.png`, what another network predicts, above a half;
- parts: `human_parts/ID.mat`, missing where no person of the image has parts.
Source: Maninis et al., CVPR 2019 (ASTMT), and its public code.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.config import DataConfig
from trainables.data import files, lists
from trainables.data.dataset import DataError
from trainables.data.layouts import voc2012
from trainables.data.mat_files import read_mat
from trainables.data.samples import Layout, Pair
from trainables.data.target_files import Content, Files, files_beside, normals_png, saliency_png
from trainables.data.targets import MISSING, TargetMap
from trainables.geometry.thinning import thin

PARTS = (
    "background",
    "head",
    "torso",
    "upper arms",
    "lower arms",
    "upper legs",
    "lower legs",
)
_PART_OF: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "hair head lear lebrow leye mouth nose rear rebrow reye",
            "neck torso",
            "luarm ruarm",
            "lhand llarm rhand rlarm",
            "luleg ruleg",
            "lfoot llleg rfoot rlleg",
        ),
        start=1,
    )
    for name in names.split()
}
_PERSON = 15
_IDS = (
    "3 4 6 9 10 11 13 15 17 18 22 23 29 30 33 34 36 37 38 39 41 43 46 49 50 51 53 55 56 "
    "59 61 62 65 66 68 69 72 73 78 83 84 85 87 88 95 96 101 104 105 107 111 113 115 122 "
    "124 135 141 142 143 146 150 154 157 158 159 165 172 174 181 183 184 191 193 195 "
    "197 199 202 213 215 216 219 220 223 225 228 230 232 233 238 239 242 243 246 250 "
    "251 252 255 260 261 263 269 272 273 275 281 283 284 285 286 287 288 290 291 292 "
    "293 295 304 307 309 310 314 315 319 323 329 330 331 336 342 345 349 350 351 352 "
    "355 357 368 370 371 374 379 380 383 384 397 401 403 405 407 408 411 412 413 414 "
    "417 419 421 423 427 428 430 432 440 441 442 443 444 446 454 457"
)
NORMALS_HOLD = frozenset(map(int, _IDS.split()))
"""Of the 459 classes of the label map, those whose names are among NYUv2's 894, on whose rooms the
network of the normals was trained, and tvmonitor (427)."""


def layout(config: DataConfig) -> Layout:
    root = files.descend(files.folder(config.root, "pascal_mt"), "PASCAL_MT")

    def pair(line: lists.Line) -> list[Pair]:
        name = Path(line.words[0]).stem
        mask = root / "semseg" / "VOC12" / f"{name}.png"
        if not mask.is_file():
            mask = root / "semseg" / "pascal-context" / f"{name}.png"
        image = root / "JPEGImages" / f"{name}.jpg"
        beside = files_beside(root, name, config.map_names, MAPS)
        return [Pair(name, image, mask, voc2012.TABLE, line.listed, beside=beside)]

    folder = root / "ImageSets" / "Context"
    official = {split: folder / f"{split}.txt" for split in ("train", "val")}
    splits = lists.read_splits(root, config, official, pair)
    parts = PARTS if "parts" in config.map_names else ()
    classes = voc2012.CLASSES, voc2012.COLOURS
    return Layout("pascal_mt", *classes, splits, targets=tuple(MAPS), parts=parts)


def edges(file: Content) -> TargetMap:
    """Where the label map changes: next to a change on either side, thinned to lines."""
    labels_HW = _label_map(file)
    around = np.pad(labels_HW, 1, mode="reflect")
    sides = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]
    return thin(sides != 4 * labels_HW).astype(np.uint8)


def normals(file: Content, labels: Content) -> TargetMap:
    """Unit vectors where the label map has a class for which they hold."""
    normals_HW3, labels_HW = normals_png(file), _label_map(labels)
    if labels_HW.shape != normals_HW3.shape[:2]:
        shapes = f"{normals_HW3.shape[:2]}, its label map {labels_HW.shape}"
        raise DataError(f"{file[0]}: must have the size of its label map, has {shapes}")
    normals_HW3[~np.isin(labels_HW, list(NORMALS_HOLD))] = MISSING["normals"]
    return normals_HW3


def parts(file: Content) -> TargetMap:
    """The parts of every person; missing where no person of the image has any."""
    anno = read_mat(*file, "anno")["anno"]
    try:
        parts_HW = _drawn(file, anno[0, 0]["objects"].ravel())
    except DataError:
        raise
    except (IndexError, KeyError, ValueError, TypeError, AttributeError) as error:
        wanted = "anno.objects with mask, class_ind and parts, which have mask and part_name"
        raise DataError(f"{file[0]}: must hold {wanted}: {error}") from None
    known = parts_HW.any()
    return parts_HW if known else np.full(parts_HW.shape, MISSING["parts"], dtype=np.uint8)


def _drawn(file: Content, objects: NDArray[np.void]) -> TargetMap:
    """The parts of all persons in one map, 0 elsewhere."""
    if not len(objects):
        raise DataError(f"{file[0]}: must hold an object")
    parts_HW = np.zeros(objects[0]["mask"].shape, dtype=np.uint8)
    for one in objects:
        if int(one["class_ind"].squeeze()) == _PERSON:
            for part in one["parts"].ravel():
                parts_HW[part["mask"].astype(bool)] = _part(file, str(part["part_name"][0]))
    return parts_HW


def _part(file: Content, name: str) -> int:
    if name not in _PART_OF:
        raise DataError(f"{file[0]}: part_name must be one of {', '.join(_PART_OF)}, got {name!r}")
    return _PART_OF[name]


def _label_map(file: Content) -> NDArray[np.int64]:
    labels_HW = read_mat(*file, "LabelMap")["LabelMap"]
    if labels_HW.ndim != 2 or not np.issubdtype(labels_HW.dtype, np.integer):
        raise DataError(
            f"{file[0]}: LabelMap must be a map of whole numbers, got {labels_HW.dtype} "
            f"{labels_HW.shape}"
        )
    return labels_HW.astype(np.int64)


MAPS: Files = {
    "edge": (("pascal-context/trainval/{}.mat",), edges),
    "normals": (("normals_distill/{}.png", "pascal-context/trainval/{}.mat"), normals),
    "saliency": (("sal_distill/{}.png",), saliency_png),
    "parts": (("human_parts/{}.mat",), parts),
}
