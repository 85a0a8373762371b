"""`study/predict.py` with a network that follows an object: films, and their first masks."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import study
from study.commands.predict import main
from tests.study import fake
from tests.study.commands.test_predict import finished_study
from trainables.config import TrialConfig, Value, flatten
from trainables.data import load
from trainables.data.layouts.moving_shapes import FRAMES, frame
from trainables.metrics import counts_file
from trainables.metrics.overlap import confusion
from trainables.training import restore

FILMS: dict[str, Value] = {
    "data__dataset": "moving_shapes",
    "data__height": 32,
    "data__width": 32,
    "data__train_images": 4,
    "data__val_images": 4,
    "data__test_images": FRAMES + 3,
    "data__clip": 2,
    "model__network": "stm_small",
    "model__encoder": "mobilenetv3_small_050",
}


class Study(NamedTuple):
    storage: Path
    config: TrialConfig
    state: bytes


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of one network that follows an object; nothing is written into it."""
    storage = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, "miou", lambda params, epoch: 0.5)
        _, config, state = finished_study(storage, **FILMS)
    return Study(storage, config, state)


def read(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def film(folder: Path, sequence: str, names: list[str], rows: int = 40) -> Path:
    """Frames of ``moving_shapes`` as files, and the first one's mask of 0 and 255."""
    (folder / "FRAMES" / sequence).mkdir(parents=True)
    (folder / "MASKS").mkdir(exist_ok=True)
    for number, name in enumerate(names):
        image_HWC, labels_HW = frame("test", 0, number, rows, 48)
        Image.fromarray(image_HWC).save(folder / "FRAMES" / sequence / f"{name}.png")
        if number == 0:
            Image.fromarray(255 * labels_HW).save(folder / "MASKS" / f"{sequence}.png")
    return folder


def test_a_list_s_maps_are_what_the_test_measured(tmp_path: Path, trained: Study) -> None:
    test = load(trained.config.data).splits["test"]
    given = flatten(trained.config), trained.state, load(trained.config.data), "cpu", None
    measured = restore.measure(*given)
    assert isinstance(measured, restore.Measured)
    (tmp_path / "counts").write_bytes(measured.counts)
    arguments = ["fake/0", "--list", "test", "--storage", str(trained.storage)]
    assert main([*arguments, "--out", str(tmp_path / "maps")]) == 0

    total_KK = torch.zeros(2, 2, dtype=torch.int64)
    for name, labels_HW in zip(test.names, test.labels_NHW, strict=True):
        found_HW = read(tmp_path / "maps" / f"{name}.png")
        if name.endswith("/00000"):
            assert np.array_equal(found_HW, labels_HW)  # given, not predicted
            continue
        both = torch.from_numpy(np.stack([found_HW, labels_HW])).long()
        total_KK += confusion(both[:1], both[1:], 2)
    expected_KK = counts_file.load_confusion(tmp_path / "counts")
    assert expected_KK is not None
    assert torch.equal(total_KK, expected_KK)


def test_films_keep_their_sizes_and_frames_follow_by_number(tmp_path: Path, trained: Study) -> None:
    film(tmp_path, "cat", ["f1", "f2", "f10"])
    film(tmp_path, "dog", ["0"], rows=36)

    paths = study.predict(
        "fake/0",
        tmp_path / "FRAMES",
        first_masks=tmp_path / "MASKS",
        out=tmp_path / "maps",
        overlay=True,
        storage=trained.storage,
    )

    assert [path.stem for path in paths] == ["f1", "f2", "f10", "0"]
    assert len(list((tmp_path / "maps" / "overlays").rglob("*.png"))) == 4
    for sequence, name, rows in (("cat", "f1", 40), ("dog", "0", 36)):
        found_HW = read(tmp_path / "maps" / sequence / f"{name}.png")
        assert np.array_equal(found_HW, read(tmp_path / "MASKS" / f"{sequence}.png") // 255)
        assert found_HW.shape == (rows, 48)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("no masks", "--first-masks must be a folder of the first masks: stm_small follows the"),
        ("no folder", "--first-masks must be an existing folder, got"),
        ("flat", "FOLDER must be a folder for each film, with its frames, got 'f1'"),
        ("missing", "cat.png: the first mask"),
        ("empty", "cat.png must be a mask that shows the object, got"),
        ("several", "cat.png must be a mask of one object, 0 elsewhere, got [1, 2]"),
        ("tiny", "cat/f1: its first mask must show an object that is left at the size of the"),
        ("size", "cat/f1: must have the size of its first mask, 20x48, got 40x48"),
        ("grows", "cat/f2: must have the size of the film, 40x48, got 44x48"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trained: Study, spoil: str, words: str
) -> None:
    film(tmp_path, "cat", ["f1", "f2"])
    frames, masks = tmp_path / "FRAMES", tmp_path / "MASKS"
    mask = np.zeros((40, 48), np.uint8)
    made = {
        "several": mask + np.eye(40, 48, dtype=np.uint8) + np.tri(40, 48, -9, dtype=np.uint8) * 2
    }
    tiny = mask.copy()
    tiny[1, 1] = 255
    made |= {"tiny": tiny, "empty": mask, "size": np.ones((20, 48), np.uint8)}
    if spoil in made:
        Image.fromarray(made[spoil]).save(masks / "cat.png")
    if spoil == "missing":
        (masks / "cat.png").unlink()
    if spoil == "grows":
        Image.fromarray(frame("test", 0, 1, 44, 48)[0]).save(frames / "cat" / "f2.png")
    folder = frames / "cat" if spoil == "flat" else frames
    option = ["--first-masks", str(masks / "none" if spoil == "no folder" else masks)]
    given = ["fake/0", str(folder), *(option if spoil != "no masks" else [])]

    where = ["--storage", str(trained.storage), "--out", str(tmp_path / "maps")]
    assert main([*given, *where]) == 2

    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "maps").exists()


def test_masks_for_a_network_that_follows_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "miou", lambda params, epoch: 0.5)
    finished_study(tmp_path, data__height=16, data__width=16, data__train_images=4)
    option = ["--first-masks", str(tmp_path), "--storage", str(tmp_path)]
    assert main(["fake/0", "--list", "test", *option, "--out", str(tmp_path / "maps")]) == 2
    assert "--first-masks must be left out: tiny follows no object" in capsys.readouterr().err


def test_mlflow_s_labels_refuse_such_a_network_in_one_line(trained: Study) -> None:
    from study.tracking.pyfunc_model import Labels

    words = "got 'stm_small, which follows an object'"
    with pytest.raises(ValueError, match=words) as error:
        Labels(trained.storage / "fake" / "model")
    assert "\n" not in str(error.value)
