"""`study/predict.py`: label maps in a dataset's own values, the same that the study measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import study
from study.commands.predict import main
from study.commands.run import main as run
from study.ledger.events import Finished, Planned, Started
from study.ledger.ledger import Ledger
from study.ledger.provenance import Provenance
from study.ledger.study_folder import StudyFolder
from tests.study import fake, fake_grid
from trainables import saved
from trainables.config import TrialConfig, Value, flatten
from trainables.data import load, open_layout
from trainables.losses.batch import Learned
from trainables.metrics import counts_file
from trainables.metrics.overlap import confusion
from trainables.training import checkpoint, restore
from trainables.training.training import Training

TINY: dict[str, Value] = {"model/network": "tiny", "model/width": 4, "epochs": 1, "batch": 4}


def finished_study(storage: Path, **changes: Value) -> tuple[StudyFolder, TrialConfig, bytes]:
    """A study of one trained trial, with its checkpoint and its saved network."""
    given = {path.replace("__", "/"): value for path, value in changes.items()}
    config = TrialConfig().changed(TINY | given)
    dataset = load(config.data)
    training = Training(config, dataset, Learned(), torch.device("cpu"))
    training.train_epoch()
    state = training.save()
    plan = fake_grid.plan(storage, base=config)
    folder = StudyFolder.of(plan)
    ledger = Ledger(folder.ledger)
    facts = replace(fake.DATA, dataset=dataset.name, classes=list(dataset.classes))
    ledger.append(Planned(plan=plan, data=facts, provenance=Provenance(commit=None, dirty=None)))
    flat = flatten(config)
    ledger.append(Started(trial=0, id="0" * 12, params={}, config=flat, cell="plain", seed=0))
    fake.epoch(ledger, ledger.record.trials[0], 1)
    ledger.append(Finished(trial=0, state="complete"))
    trial = checkpoint.trial_folder(folder.new_attempt(), 0)
    labels = np.zeros((1, 2, 2), np.uint8)
    checkpoint.write(checkpoint.folder_of(trial, 1), 1, state, labels, b"counts")
    saved.save(folder.model, config, dataset.classes, state)
    return folder, config, state


@pytest.fixture(autouse=True)
def _no_miou(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake trial has no parameters to compute one from."""
    monkeypatch.setattr(fake, "miou", lambda params, epoch: 0.5)


def maps(folder: Path) -> dict[str, NDArray[np.uint8]]:
    return {path.stem: np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))}


def test_a_list_s_maps_give_the_confusion_matrix_of_the_study(
    camvid_root: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.txt"
    few.write_text("\n".join((camvid_root / "CamVid" / "test.txt").read_text().splitlines()[:6]))
    folder, config, state = finished_study(
        tmp_path / "runs",
        data__dataset="camvid",
        data__root=str(camvid_root),
        data__test_list=str(few),
        data__train_images=8,
        data__val_images=1,
    )
    measured = restore.measure(flatten(config), state, load(config.data), "cpu", None)
    assert isinstance(measured, restore.Measured)
    (tmp_path / "counts.npz").write_bytes(measured.counts)
    expected = counts_file.load_confusion(tmp_path / "counts.npz")
    assert expected is not None
    for network, out in (("fake", "a"), ("fake/0", "b")):
        where = ["--storage", str(folder.storage), "--out", str(tmp_path / out)]
        assert main([network, "--list", str(few), *where]) == 0
        found = maps(tmp_path / out)
        total = torch.zeros((11, 11), dtype=torch.int64)
        for sample in open_layout(config.data).splits["test"]:
            predicted, truth = found[sample.name], sample.read().labels_HW
            assert predicted.shape == truth.shape
            first, second = (torch.from_numpy(m.astype(np.int64))[None] for m in (predicted, truth))
            total += confusion(first, second, 11)
        assert torch.equal(total, expected)


def photos(folder: Path) -> Path:
    """Images of several sizes and formats."""
    (folder / "sub").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, rows, columns in (("a.jpg", 20, 31), ("b.tif", 9, 7), ("sub/c.png", 40, 24)):
        pixels = random.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    return folder


def test_new_images_keep_their_sizes_and_names(tmp_path: Path) -> None:
    finished_study(tmp_path / "runs", data__height=24, data__width=32, data__train_images=8)
    images, out = photos(tmp_path / "photos"), tmp_path / "maps"
    paths = study.predict("fake", images, out=out, overlay=True, storage=tmp_path / "runs")
    assert [path.relative_to(out).as_posix() for path in paths] == ["a.png", "b.png", "sub/c.png"]
    for path, size in zip(paths, ((31, 20), (7, 9), (24, 40)), strict=True):
        with Image.open(path) as label_map:
            assert (label_map.size, label_map.mode) == (size, "P")
            assert np.asarray(label_map).max() < 6
        with Image.open(out / "overlays" / path.relative_to(out)) as overlay:
            assert (overlay.size, overlay.mode) == (size, "RGB")
    assert not list(tmp_path.glob(".maps-*"))


def test_what_is_exported_is_read_back_as_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dataset whose void is 0: exported numbers begin at 1."""
    root = tmp_path / "data"
    random = np.random.default_rng(1)
    for place in ("images", "masks"):
        (root / place).mkdir(parents=True)
    for number in range(10):
        Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(
            root / "images" / f"{number}.png"
        )
        mask = Image.fromarray(random.integers(0, 4, (16, 16), dtype=np.uint8), "P")
        mask.putpalette([0, 0, 0, 255, 0, 0, 1, 1, 1, 0, 0, 255])
        mask.save(root / "masks" / f"{number}.png")
    # The colour of dark, 1 1 1, is the number of red.
    (root / "classes.txt").write_text("void 0\nred 255 0 0\ndark 1 1 1\nblue 0 0 255\n")
    finished_study(tmp_path / "runs", data__dataset="folder", data__root=str(root))
    again = tmp_path / "again"
    (again / "images").mkdir(parents=True)
    for path in (root / "images").iterdir():
        (again / "images" / path.name).write_bytes(path.read_bytes())
    (again / "classes.txt").write_text((root / "classes.txt").read_text())
    where = ["--storage", str(tmp_path / "runs"), "--out", str(again / "masks")]
    assert main(["fake", str(again / "images"), *where]) == 0
    network, _, _ = saved.load(tmp_path / "runs" / "fake" / "model")
    reread = TrialConfig().changed({"data/dataset": "folder", "data/root": str(again)})
    for sample in open_layout(reread.data).splits["train"]:
        image = (
            torch.from_numpy(sample.read().image_HWC.copy()).permute(2, 0, 1)[None].float() / 255
        )
        with torch.no_grad():
            expected = network(image).logits_BKHW.argmax(dim=1)[0]
        assert np.array_equal(sample.read().labels_HW, expected.numpy())
    capsys.readouterr()
    code = run(["--check-data", "folder", str(again)])
    output = capsys.readouterr().out
    assert "bad files" not in output
    assert code == 0 or "no pixel of class" in output  # a network may leave a class out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["other", "PHOTOS"], "NAME must name a study in"),
        (["../fake", "PHOTOS"], "NAME must"),
        (["fake/7", "PHOTOS"], "NAME/NUMBER must name one of the 1 trial of fake, got 'fake/7'"),
        (["fake"], "FOLDER or --list must be given, and not both"),
        (["fake", "PHOTOS", "--list", "test"], "FOLDER or --list must be given, and not both"),
        (["fake", "nowhere"], "FOLDER must be an existing folder, got 'nowhere'"),
        (["fake", "EMPTY"], "holds no image"),
        (["fake", "TWICE"], "images must differ in their names without suffix, got 2 'a'"),
        (["fake", "SPOILT"], "b.png: cannot be decoded"),
        (["fake", "PHOTOS", "--device", "tpu"], "--device must be cpu or cuda, got 'tpu'"),
        (["fake", "--list", "trainval"], "--list must be one of train, val, test here"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    finished_study(tmp_path / "runs", data__height=16, data__width=16, data__train_images=4)
    photos(tmp_path / "PHOTOS")
    (tmp_path / "EMPTY").mkdir()
    photos(tmp_path / "TWICE").joinpath("a.png").write_bytes(b"")
    photos(tmp_path / "SPOILT").joinpath("b.png").write_bytes(b"no PNG")
    (tmp_path / "SPOILT" / "b.tif").unlink()
    given = [str(tmp_path / one) if one.isupper() else one for one in arguments]
    where = ["--storage", str(tmp_path / "runs"), "--out", str(tmp_path / "maps")]
    assert main([*given, *where]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "maps").exists()
    assert not list(tmp_path.glob(".maps-*"))


def test_no_file_is_overwritten_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_study(tmp_path / "runs", data__height=16, data__width=16, data__train_images=4)
    out = tmp_path / "maps"
    out.mkdir()
    (out / "b.png").write_text("mine")
    command = ["fake", str(photos(tmp_path / "photos")), "--out", str(out)]
    command += ["--storage", str(tmp_path / "runs")]
    assert main(command) == 2
    assert f"--out must have none of the files to write, got {out / 'b.png'}" in (
        capsys.readouterr().err
    )
    assert [path.name for path in out.iterdir()] == ["b.png"]
    assert (out / "b.png").read_text() == "mine"
    assert main([*command, "--overwrite"]) == 0
    assert len(list(out.rglob("*.png"))) == 3


def test_a_trial_whose_network_is_gone_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _, _ = finished_study(tmp_path / "runs", data__height=16, data__width=16)
    checkpoint.strip(folder.trial_folders(0), 1, networks=(), results=True)
    command = ["fake/0", str(photos(tmp_path / "photos")), "--out", str(tmp_path / "maps")]
    assert main([*command, "--storage", str(tmp_path / "runs")]) == 2
    assert "trial 0 has no network here: " in capsys.readouterr().err


def test_every_further_task_has_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks: dict[str, Value] = {
        "data__targets": "edge,depth,normals",
        "task__tasks": "semseg,edge,depth,normals",
    }
    finished_study(tmp_path, data__height=16, data__width=16, data__train_images=4, **tasks)
    images, out = tmp_path / "images", tmp_path / "maps"
    images.mkdir()
    Image.new("RGB", (24, 20)).save(images / "a.png")
    assert main(["fake", str(images), "--out", str(out), "--storage", str(tmp_path)]) == 0
    line = capsys.readouterr().out
    assert "1 label map and 3 maps" in line
    assert "depth/ has 16-bit millimetres" in line
    assert maps(out).keys() == {"a"}
    shapes = {task: maps(out / task)["a"].shape for task in ("edge", "depth", "normals")}
    assert shapes == {"edge": (20, 24), "depth": (20, 24), "normals": (20, 24, 3)}
    assert maps(out / "depth")["a"].dtype == np.uint16
