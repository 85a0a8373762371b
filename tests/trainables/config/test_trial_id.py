"""Identity: equal only where everything that decides the numbers is equal."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainables.stages.test_stage_identity import another
from trainables.config import TrialConfig, Value, code_digest, flatten, identity
from trainables.config.data import OF_FOLDER
from trainables.config.trial_id import _hash_of
from trainables.stages import registry


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package whose source is hashed instead of ours."""
    (tmp_path / "losses").mkdir()
    (tmp_path / "losses" / "a.py").write_text("WEIGHT = 1\n")
    monkeypatch.setattr("trainables.config.trial_id._ROOT", tmp_path)
    code_digest.cache_clear()
    yield tmp_path
    code_digest.cache_clear()


def named(weights: Path) -> str:
    return identity(TrialConfig().changed({"model/weights": str(weights)}), "d")


def test_weights_count_by_their_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a.pth", tmp_path / "b.pth"
    first.write_bytes(b"weights")
    second.write_bytes(b"weights")
    assert named(first) == named(second)
    second.write_bytes(b"others!")
    assert named(first) != named(second)
    assert named(first) not in (identity(TrialConfig(), "d"), named(tmp_path / "none.pth"))


def test_another_file_under_the_same_name_is_another_trial(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(b"weights")
    before = named(path)
    stat = path.stat()
    (tmp_path / "new").write_bytes(b"others!")
    os.utime(tmp_path / "new", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (tmp_path / "new").replace(path)
    assert named(path) != before


def test_a_weights_file_is_hashed_once(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(b"weights")
    hits = _hash_of.cache_info().misses
    assert named(path) == named(path)
    assert _hash_of.cache_info().misses == hits + 1


@pytest.mark.parametrize("change", ["edited", "added", "moved"])
def test_a_change_of_the_code_is_another_trial_and_another_stage(code: Path, change: str) -> None:
    def names() -> tuple[str, str]:
        code_digest.cache_clear()
        config = TrialConfig()
        return identity(config, "d"), registry.stage_key("edge_net", config, "d")

    before = names()
    assert names() == before
    source = code / "losses" / "a.py"
    if change == "edited":
        source.write_text("WEIGHT = 2\n")
    elif change == "added":
        (code / "b.py").write_text("")
    else:
        source.rename(code / "a.py")
    assert not set(names()) & set(before)


def test_the_code_that_a_trial_runs_is_hashed() -> None:
    assert len(code_digest()) == 16
    assert code_digest() == code_digest()


OTHERS: dict[str, dict[str, Value]] = {
    "data/dataset": {"data/dataset": "camvid"},
    "data/train_list": {"data/train_list": "trainval"},
    "data/val_list": {"data/val_list": "one"},
    "data/test_list": {"data/test_list": "one"},
    "data/extra_list": {"data/extra_list": "coarse", "data/extra_epochs": 1},
    "data/extra_epochs": {"data/extra_list": "coarse", "data/extra_epochs": 2},
    "data/normalize": {"data/normalize": "train"},
    "data/scale_max": {"data/scale_max": 2.0},
    "data/fold": {"data/folds": 5, "data/fold": 2},
    "data/targets": {"data/targets": "edge"},
    "data/inputs": {"data/inputs": "depth"},
    "eval/edge_thresholds": {
        "data/targets": "edge",
        "task/tasks": "edge",
        "eval/edge_thresholds": 5,
    },
    "data/moves": {"data/moves": "released"},
    "dense_crf/variant": {"dense_crf/variant": "paper", "dense_crf/filter": "exact"},
    "task/tasks": {"data/targets": "edge", "task/tasks": "semseg,edge"},
    "task/auxiliary": {
        "data/targets": "edge,depth",
        "task/tasks": "semseg,edge",
        "task/auxiliary": "depth",
        "model/network": "pad_net",
    },
    "task/boundary_on": {
        "data/targets": "edge",
        "task/tasks": "semseg,edge",
        "task/boundary_on": "edge",
    },
    "data/clip": {"model/network": "stm_small", "data/clip": 3},
    "model/detach_masks": {
        "model/network": "stm_small",
        "data/clip": 3,
        "model/detach_masks": True,
    },
    "model/encoder": {"model/encoder": "resnet18"},
    "model/features": {"model/features": "body"},
    "model/weights": {"model/weights": "imagenet"},
    "model/init": {"model/init": "a.pt"},
    "model/width": {"model/width": 8},
    "model/variant": {"model/network": "sa_gate_r101", "model/variant": "released"},
    "model/dropout": {"model/network": "pspnet_r101", "model/dropout": 0.1},
    "loss/tile_share": {"data/height": 96, "loss/tile_share": 0.5},
    "loss/resize": {"loss/variant": "released", "loss/resize": "672x1344"},
    "loss/scnp_size": {"loss/scnp_size": 5},
    "loss/focal_loss_alpha": {"loss/focal_loss_form": "sigmoid", "loss/focal_loss_alpha": 0.25},
    "eval/scales": {"eval/scales": "0.5,1"},
    "eval/window": {"eval/window": "32"},
    "eval/stride": {"eval/window": "32", "eval/stride": "16"},
    "eval/val_scales": {"eval/val_scales": "0.5"},
    "eval/val_window": {"eval/val_window": "32"},
    "eval/val_stride": {"eval/val_window": "32", "eval/val_stride": "16"},
    "eval/terms": {"eval/terms": "none"},
    "segfix/weights": {"segfix/network": "hrnet_w18", "segfix/weights": "imagenet"},
    "segfix/crop": {"segfix/crop": 96},
}
"""Changes of fields whose other values are not plain, or need another field's."""
NOT_NAMED = {
    *("data/root", "data/cache", "data/links"),  # places
    # The data's digest says which images are in which list.
    *("data/holdout", "data/holdout_by", "data/folds"),
    # of folder: the digest has the labels, the class names and the lists (test_named_digest.py)
    *(f"data/{name}" for name in OF_FOLDER),
    "parts",  # test_plugin.py
}


@pytest.mark.parametrize("path", [path for path in flatten(TrialConfig()) if path not in NOT_NAMED])
def test_every_field_names_the_trial(path: str) -> None:
    """The field alone differs: its config, and the same with the field's default."""
    default = flatten(TrialConfig())[path]
    changes = OTHERS.get(path) or {path: another(path, default)}
    config = TrialConfig().changed(changes)
    beside = {other: value for other, value in changes.items() if other != path}
    if path == "data/extra_list":
        beside = {}
    if path in ("data/extra_epochs", "data/fold"):
        beside = {**changes, path: 1}
    if path == "data/clip":
        beside = {**changes, path: 2}
    assert identity(config, "d") != identity(TrialConfig().changed(beside), "d")
