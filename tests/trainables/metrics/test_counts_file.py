"""The file of counts: it loses nothing, is small, and is refused where it is invalid."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainables.metrics.conftest import SHARED, random_maps
from trainables import proof
from trainables.metrics import counts_file
from trainables.metrics.per_image import LATER, ImageCounts, count
from trainables.metrics.summaries import summarize

CAMVID = SHARED / "data" / "camvid_full_jpg" / "CamVid" / "testannot"


@pytest.fixture
def counts() -> ImageCounts:
    return count(*random_maps(images=3), 4)


def test_every_count_and_name_comes_back(tmp_path: Path, counts: ImageCounts) -> None:
    path = tmp_path / "counts.npz"

    path.write_bytes(counts_file.pack(counts, names=["a", "bee", "c"]))

    for saved, table in zip(counts_file.load(path), counts, strict=True):
        assert saved.dtype == torch.int64
        torch.testing.assert_close(saved, table)
    assert summarize(counts_file.load(path)) == summarize(counts)
    with np.load(path) as content:
        assert content["names"].tolist() == ["a", "bee", "c"]


def test_counts_above_16_bits_come_back(tmp_path: Path, counts: ImageCounts) -> None:
    large = ImageCounts(*(table * 70_000 for table in counts))

    (tmp_path / "counts.npz").write_bytes(counts_file.pack(large))

    assert torch.equal(counts_file.load(tmp_path / "counts.npz").overlap_NK3, large.overlap_NK3)


@pytest.mark.slow
def test_camvids_test_images_take_less_than_a_megabyte(tmp_path: Path) -> None:
    if not CAMVID.exists():
        pytest.skip("needs CamVid's labels of the shared data")
    files = sorted(CAMVID.glob("*.png"))
    labels = torch.stack([torch.from_numpy(np.array(Image.open(file))) for file in files]).long()
    labels[labels == 11] = 255
    # Worse than any network: shifted, and one pixel in a hundred a random class.
    generator = torch.Generator().manual_seed(0)
    predicted = labels.roll((2, 3), (1, 2))
    noise = torch.rand(labels.shape, generator=generator) < 0.01
    predicted = predicted.where(~noise & (predicted != 255), 3)
    noisy = torch.randint(0, 11, labels.shape, generator=generator)
    predicted = noisy.where(noise, predicted)

    counts = count(predicted, labels, 11)
    packed = counts_file.pack(counts, names=[file.stem for file in files])
    (tmp_path / "counts.npz").write_bytes(packed)

    assert len(files) == 233
    assert (tmp_path / "counts.npz").stat().st_size < 1e6
    assert summarize(counts_file.load(tmp_path / "counts.npz")) == summarize(counts)


def test_the_same_counts_are_the_same_bytes(counts: ImageCounts) -> None:
    assert counts_file.pack(counts) == counts_file.pack(counts)


def test_an_invalid_counts_file_is_refused(tmp_path: Path, counts: ImageCounts) -> None:
    path = tmp_path / "counts.npz"
    for content in (b"", b"text", counts_file.pack(counts)[:-100]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"counts\.npz: damaged"):
            counts_file.load(path)
    with pytest.raises(FileNotFoundError):
        counts_file.load(tmp_path / "none.npz")


def test_no_flipped_bit_is_accepted(tmp_path: Path, counts: ImageCounts) -> None:
    path, whole = tmp_path / "counts.npz", counts_file.pack(counts)
    for bit in np.random.default_rng(0).choice(8 * len(whole), 200, replace=False).tolist():
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"counts\.npz: damaged") as refused:
            counts_file.load(path)
        assert "\n" not in str(refused.value)


def test_a_file_of_an_older_version_has_no_hash_and_is_read(
    tmp_path: Path, counts: ImageCounts
) -> None:
    path = tmp_path / "counts.npz"
    path.write_bytes(proof.unseal(counts_file.pack(counts), path))
    assert torch.equal(counts_file.load(path).overlap_NK3, counts.overlap_NK3)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"counts\.npz: damaged"):
        counts_file.load(path)


def test_other_tolerances_are_refused(
    tmp_path: Path, counts: ImageCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(counts_file.SETTINGS, "tolerances_px", np.array([1, 2, 9]))
        (tmp_path / "counts.npz").write_bytes(counts_file.pack(counts))

    with pytest.raises(ValueError, match=r"tolerances_px of .* must be \[1, 3, 5\], got \[1, 2, 9"):
        counts_file.load(tmp_path / "counts.npz")


def test_every_image_needs_one_name(counts: ImageCounts) -> None:
    with pytest.raises(ValueError, match="names must be one for each of 3 images, got 2"):
        counts_file.pack(counts, names=["a", "b"])


def test_the_confusion_comes_back_and_older_files_have_none(
    tmp_path: Path, counts: ImageCounts
) -> None:
    path, confusion_KK = tmp_path / "counts.npz", torch.arange(16).view(4, 4) * 10_000
    path.write_bytes(counts_file.pack(counts, confusion_KK=confusion_KK))
    found = counts_file.load_confusion(path)
    assert found is not None
    assert torch.equal(found, confusion_KK)
    assert torch.equal(counts_file.load(path).overlap_NK3, counts.overlap_NK3)
    path.write_bytes(counts_file.pack(counts))
    assert counts_file.load_confusion(path) is None


def test_a_file_without_the_later_tables_is_read_as_if_they_were_not_requested(
    tmp_path: Path, counts: ImageCounts
) -> None:
    path, old = tmp_path / "counts.npz", io.BytesIO()
    path.write_bytes(proof.unseal(counts_file.pack(counts), path))
    with np.load(path) as content:
        kept = {name: content[name] for name in content.files if name not in LATER}
    np.savez_compressed(old, **kept)
    path.write_bytes(old.getvalue())

    assert len(kept) == len(ImageCounts._fields) - len(LATER) + 4  # and names and settings
    assert summarize(counts_file.load(path)) == summarize(counts)
