"""A saved network has the same outputs as the trained one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from trainables import proof, saved
from trainables.config import TrialConfig
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.training.training import Training


def save(folder: Path, changes: dict[str, float] | None = None) -> Training:
    """Save a network that was trained for one epoch."""
    flat = {
        "data/height": 16,
        "data/width": 24,
        "data/train_images": 4,
        "data/val_images": 1,
        "data/test_images": 1,
        "model/width": 4,
        "batch": 2,
        **(changes or {}),
    }
    config = TrialConfig().changed(flat)
    dataset = load(config.data)
    training = Training(config, dataset, Learned(), torch.device("cpu"))
    training.train_epoch()
    saved.save(folder, config, dataset.classes, training.save())
    return training


@pytest.mark.parametrize("name", [saved.NETWORK, saved.CONFIG, saved.CLASSES, saved.HASHES])
def test_no_flipped_bit_of_a_saved_network_is_accepted(tmp_path: Path, name: str) -> None:
    save(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    for bit in np.random.default_rng(0).permutation(8 * len(whole))[:40].tolist():
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(ValueError, match=str(tmp_path)) as refused:
            saved.load(tmp_path)
        assert "\n" not in str(refused.value)
    path.unlink()
    missing = "missing" if name == saved.HASHES else "No such file"
    with pytest.raises(ValueError, match=f"{name}: {missing}"):
        saved.load(tmp_path)


def test_without_hashes_no_flipped_bit_makes_a_folder_an_older_one(tmp_path: Path) -> None:
    save(tmp_path)
    (tmp_path / saved.HASHES).unlink()
    path = tmp_path / saved.NETWORK
    whole = path.read_bytes()
    for bit in range(8 * (len(whole) - 96), 8 * len(whole), 5):  # where its own hash is
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{saved.NETWORK}: damaged"):
            saved.load(tmp_path)


def test_the_hashes_of_other_files_are_refused(tmp_path: Path) -> None:
    """Else a folder from somebody else could have any file of this user read."""
    save(tmp_path / "model")
    (tmp_path / "other").write_bytes(b"x" * 9)
    with (tmp_path / "model" / saved.HASHES).open("a") as file:
        file.write(f"{'0' * 64}  ../other\n")
    with pytest.raises(ValueError, match=r"damaged: it names '\.\./other'"):
        saved.load(tmp_path / "model")


def test_a_saved_network_of_an_older_version_has_no_hashes_and_is_loaded_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path)
    (tmp_path / saved.HASHES).unlink()
    network = tmp_path / saved.NETWORK
    network.write_bytes(proof.unseal(network.read_bytes(), network))
    assert len(saved.load(tmp_path)[2]) > 1
    [line] = caplog.messages
    assert line.startswith(f"{tmp_path}: an older version saved it")


@pytest.mark.parametrize("changes", [{}, {"optim/ema": 0.5, "loss/beta": 1.0}])
def test_loaded_it_gives_the_same_scores(tmp_path: Path, changes: dict[str, float]) -> None:
    training = save(tmp_path, changes)
    network, again, classes = saved.load(tmp_path)
    assert (again, classes) == (training.config, list(load(again.data).classes))
    used = training.average.module if training.average else training.network
    images_BCHW = torch.rand(2, 3, 16, 24)
    with torch.no_grad():
        expected = used.eval()(images_BCHW).logits_BKHW
        assert torch.equal(network(images_BCHW).logits_BKHW, expected)
