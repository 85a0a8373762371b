"""Lists whose images differ in size: loaded, cached or streamed, moved, and cut into batches."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from trainables.config import DataConfig
from trainables.data import DataError, Dataset, load
from trainables.data.batch import Batch
from trainables.data.batches import evaluation_batches, require_crops, training_batches
from trainables.data.images import Collector, joined

SIZES = {"train": [(12, 16), (20, 9), (12, 16), (30, 31)], "val": [(8, 8), (9, 8), (8, 8)]}


def write(root: Path) -> Path:
    """A folder of two classes, with images of the sizes above."""
    draw = np.random.default_rng(0)
    (root / "classes.txt").write_text("ground\nthing\n")
    rows = ["image,mask,split"]
    for split, sizes in SIZES.items():
        for number, size in enumerate(sizes):
            name = f"{split}{number}"
            labels = np.zeros(size, dtype=np.uint8)
            labels[size[0] // 3 :, size[1] // 2 :] = 1
            Image.fromarray(draw.integers(0, 255, (*size, 3), dtype=np.uint8)).save(
                root / f"{name}.png"
            )
            Image.fromarray(labels).save(root / f"{name}-mask.png")
            rows.append(f"{name}.png,{name}-mask.png,{split}")
    (root / "samples.csv").write_text("\n".join(rows))
    return root


def loaded(root: Path, cache: str = "on", **changes: int) -> Dataset:
    changes = {"holdout": 0, **changes}
    config = DataConfig(dataset="folder", root=str(root), cache=cache, **changes)  # type: ignore[arg-type]
    return load.__wrapped__(config)


def test_images_keep_their_sizes_in_memory_and_on_access(tmp_path: Path) -> None:
    cached, streamed = (loaded(write(tmp_path), cache) for cache in ("on", "off"))
    assert cached.digest == streamed.digest
    assert cached.size is streamed.size is None
    for split, sizes in SIZES.items():
        one, other = cached.splits[split], streamed.splits[split]
        assert one.sizes_N2.tolist() == other.sizes_N2.tolist() == [list(size) for size in sizes]
        assert one.nbytes == 4 * sum(rows * columns for rows, columns in sizes)
        assert other.nbytes == 0
        for row, size in enumerate(sizes):
            pixels = np.asarray(Image.open(tmp_path / f"{split}{row}.png"))
            for images in (one, other):
                assert np.array_equal(images.images_NHWC[row], pixels)
                assert images.labels_NHW[row].shape == size
                assert images.first(row + 1).sizes_N2.tolist() == one.sizes_N2[: row + 1].tolist()


def test_one_size_stays_one_array(tmp_path: Path) -> None:
    dataset = loaded(write(tmp_path), height=10, width=12)
    assert dataset.size == (10, 12)
    assert type(dataset.splits["train"].images_NHWC) is np.ndarray
    val = loaded(tmp_path, val_images=1).splits["val"]
    assert type(val.images_NHWC) is np.ndarray
    assert val.size == (8, 8)


@pytest.mark.parametrize("cache", ["on", "off"])
def test_a_list_of_differing_sizes_travels(tmp_path: Path, cache: str) -> None:
    """As in Ray's object store: pixels beside the pickle, uncopied, and not to be written."""
    train = loaded(write(tmp_path), cache).splits["train"]
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(train, protocol=5, buffer_callback=buffers.append)
    sent = sum(memoryview(buffer).nbytes for buffer in buffers)
    assert len(content) < 5000
    assert (sent >= train.nbytes) if cache == "on" else (sent < 1000)
    frozen = [memoryview(bytes(memoryview(buffer))) for buffer in buffers]
    moved = pickle.loads(content, buffers=frozen)
    for row in range(len(train)):
        assert np.array_equal(moved.images_NHWC[row], train.images_NHWC[row])
        assert np.array_equal(moved.labels_NHW[row], train.labels_NHW[row])
    crops = DataConfig(crop_height=7, crop_width=7)
    for made in training_batches(moved, crops, batch=2, seed=0, epoch=1, rank=0, ranks=1):
        assert made.images_BCHW.shape == (2, 3, 7, 7)
        assert made.labels_BHW.shape == (2, 7, 7)


def test_training_on_them_needs_crops(tmp_path: Path) -> None:
    train = loaded(write(tmp_path)).splits["train"]
    for config in (DataConfig(), DataConfig(crop_height=8), DataConfig(scale_max=2.0)):
        with pytest.raises(DataError, match=r"data/crop_height and data/crop_width must be given"):
            require_crops(train, config)
    require_crops(train, DataConfig(crop_height=8, crop_width=8))
    require_crops(loaded(tmp_path, train_images=1).splits["train"], DataConfig())
    require_crops(loaded(tmp_path, height=8, width=8).splits["train"], DataConfig())


def test_crops_are_the_same_from_any_number_of_ranks(tmp_path: Path) -> None:
    train = loaded(write(tmp_path)).splits["train"]
    config = DataConfig(crop_height=9, crop_width=11, scale_min=0.5, scale_max=2.0)

    def batches(rank: int, ranks: int) -> list[Batch]:
        return list(
            training_batches(train, config, batch=2, seed=1, epoch=3, rank=rank, ranks=ranks)
        )

    for whole, first, second in zip(batches(0, 1), batches(0, 2), batches(1, 2), strict=True):
        for all_of_them, *parts in zip(whole[:2], first[:2], second[:2], strict=True):
            assert torch.equal(all_of_them, torch.cat(parts))


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_each_image_is_evaluated_once_at_its_own_size(
    tmp_path: Path, batch: int, ranks: int
) -> None:
    train = loaded(write(tmp_path)).splits["train"]
    seen: list[int] = []
    for rank in range(ranks):
        for rows, made in evaluation_batches(train, batch=batch, rank=rank, ranks=ranks):
            assert len(rows) <= batch
            for row, image, label in zip(rows, *made[:2], strict=True):
                assert row % ranks == rank
                expected = torch.tensor(train.images_NHWC[row]).permute(2, 0, 1).float() / 255
                assert torch.equal(image, expected)
                assert np.array_equal(label, train.labels_NHW[row])
                seen.append(int(row))
    assert sorted(seen) == list(range(len(train)))


def test_images_of_one_size_are_evaluated_together(tmp_path: Path) -> None:
    train = loaded(write(tmp_path)).splits["train"]
    batches = evaluation_batches(train, batch=2, rank=0, ranks=1)
    assert sorted(rows.tolist() for rows, *_ in batches) == [[0, 2], [1], [3]]


def test_maps_of_one_size_are_collected_in_one_array() -> None:
    def maps(*sizes: tuple[int, int]) -> list[NDArray[np.uint8]]:
        return [np.full(size, row, dtype=np.uint8) for row, size in enumerate(sizes)]

    collector = Collector(2)
    for one in maps((2, 3), (2, 3)):
        collector.add(one)
    assert collector.collected()[:, 0, 0].tolist() == [0, 1]
    mixed = joined(maps((2, 3), (2, 3), (3, 2)))
    assert [mixed[row].tolist() for row in range(3)] == [
        one.tolist() for one in maps((2, 3), (2, 3), (3, 2))
    ]
    assert [one.shape for one in mixed[1:]] == [(2, 3), (3, 2)]
    assert [one.shape for one in mixed[np.array([2, 0])]] == [(3, 2), (2, 3)]
