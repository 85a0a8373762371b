"""The digest is of everything that decides a study's numbers, and of nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.test_mask_meaning import grey, make, opened, palette
from trainables.config import DataConfig
from trainables.data import DataError, load, open_layout
from trainables.data.digest import ContentDigest, is_old
from trainables.data.fingerprint import fingerprint

CLASSES = "a\nb\nc\n"


def root_of(root: Path) -> Path:
    """Masks hold all three classes, and 3 nowhere."""
    mask = np.array(grey(0, 1))
    mask[0, 0] = 2
    make(root, CLASSES, Image.fromarray(mask))
    for split, numbers in {"train": "01234", "val": "567", "test": "89"}.items():
        (root / f"{split}.txt").write_text("\n".join(numbers) + "\n")
    return root


def _void(root: Path) -> None:
    (root / "classes.txt").write_text(f"{CLASSES}void 0\n")
    for path in (root / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) + np.uint8(1)).save(path)


def _unused_void(root: Path) -> None:
    (root / "classes.txt").write_text(f"{CLASSES}void 3\n")


def _names(root: Path) -> None:
    (root / "classes.txt").write_text("a\nb\nd\n")


def _order_of_names(root: Path) -> None:
    (root / "classes.txt").write_text("b\na\nc\n")


def _table(root: Path) -> None:
    (root / "classes.txt").write_text("a 1 1 1\nb 0 0 0\nc 2 2 2\n")


def _membership(root: Path) -> None:
    (root / "train.txt").write_text("0\n1\n2\n3\n")
    (root / "val.txt").write_text("4\n5\n6\n7\n")


def _order(root: Path) -> None:
    (root / "train.txt").write_text("1\n0\n2\n3\n4\n")


def _no_test(root: Path) -> None:
    (root / "test.txt").unlink()


def _pixel(root: Path) -> None:
    image = np.asarray(Image.open(root / "images" / "9.png")).copy()
    image[0, 0] += 1
    Image.fromarray(image).save(root / "images" / "9.png")


@pytest.mark.parametrize(
    "change",
    [_void, _unused_void, _names, _order_of_names, _table, _membership, _order, _no_test, _pixel],
)
def test_what_decides_the_numbers_decides_the_digest(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    root = root_of(tmp_path)
    before, quick = opened(root).digest, fingerprint(config(root))
    change(root)
    assert opened(root).digest != before
    inner = {_order}  # the same first and last image of the same names
    assert change in inner or fingerprint(config(root)) != quick


def config(root: Path) -> DataConfig:
    return DataConfig(dataset="folder", root=str(root))


def test_neither_the_folder_nor_the_files_form_decides_it(tmp_path: Path) -> None:
    one, two = root_of(tmp_path / "one"), root_of(tmp_path / "two")
    for path in (two / "images").iterdir():
        Image.open(path).save(path, compress_level=1)
    assert opened(one).digest == opened(two).digest
    assert opened(one).old_digest != opened(two).old_digest


def test_a_digest_of_the_first_version_can_still_be_compared(tmp_path: Path) -> None:
    """Against the hash as it was: of the files' names and bytes, lists one after the other."""
    root = root_of(tmp_path)
    old = ContentDigest()
    for number in range(10):
        for folder in ("masks", "images"):
            old.add(f"{number}.png", (root / folder / f"{number}.png").read_bytes())
    dataset = opened(root)
    assert is_old(old.hex())
    assert not is_old(dataset.digest)
    assert dataset.digest_as(old.hex()) == old.hex()
    assert dataset.digest_as(dataset.digest) == dataset.digest


@pytest.mark.parametrize("kind", ["0 and 255", "palette", "turned"])
def test_what_is_now_read_otherwise_is_other_data_than_that_of_the_first_version(
    tmp_path: Path, kind: str
) -> None:
    mask = {
        "0 and 255": grey(0, 255),
        "palette": palette((0, 2), [0, 0, 0, 128, 0, 0, 0, 128, 0]),
        "turned": grey(0, 1),
    }[kind]
    classes = "a 0 0 0\nb 0 128 0\n" if kind == "palette" else "a\nb\n"
    root = make(tmp_path, classes, mask)
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 3
        Image.open(root / "images" / "0.png").save(root / "images" / "0.png", exif=exif)
    old = ContentDigest()
    for number in range(10):
        for folder in ("masks", "images"):
            old.add(f"{number}.png", (root / folder / f"{number}.png").read_bytes())
    assert opened(root).old_digest != old.hex()


@pytest.fixture
def own_layout() -> Iterator[None]:
    from trainables.data import LAYOUTS

    yield
    LAYOUTS.pop("own", None)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (256, r"own: must have 2\.\.255 classes \(255 is void\), got 256"),
        (1000, "must have"),
        (1, "must have 2"),
    ],
)
@pytest.mark.usefixtures("own_layout")
def test_a_plugin_s_dataset_has_no_more_classes_than_bytes_can_name(count: int, words: str) -> None:
    from trainables.data import LAYOUTS

    def own(config: DataConfig) -> object:
        shapes = open_layout(DataConfig(train_images=1, val_images=1, test_images=1))
        names = tuple(f"c{label}" for label in range(count))
        return replace(shapes, name="own", classes=names, colours=((0, 0, 0),) * count)

    LAYOUTS["own"] = own  # type: ignore[assignment]
    with pytest.raises(DataError, match=words):
        load(DataConfig(dataset="own"))


def test_the_check_shows_the_digest_of_the_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from study.commands.run import main

    root = root_of(tmp_path)
    assert main(["--check-data", "folder", str(root)]) == 0
    assert f"digest {opened(root).digest}" in capsys.readouterr().out


def test_a_study_resumes_on_the_same_lists_alone(tmp_path: Path) -> None:
    """With a digest of the first version, which does not tell another split or class list."""
    from study.ledger.events import Planned
    from study.ledger.ledger import Ledger
    from study.ledger.provenance import Provenance
    from study.ledger.study_folder import StudyFolder
    from study.planning.same_data import is_of_old_digest, require_same_data
    from tests.study import fake

    plan = fake.plan(tmp_path / "storage")
    dataset = opened(root_of(tmp_path / "data"))
    counts = {split: len(images) for split, images in dataset.splits.items()}
    names = list(dataset.classes)
    facts = replace(fake.DATA, digest=dataset.old_digest, classes=names, images=counts)
    ledger = Ledger(StudyFolder.of(plan).ledger)
    ledger.append(Planned(plan=plan, data=facts, provenance=Provenance(commit="c", dirty=False)))
    record = ledger.record
    require_same_data(plan, record, dataset)
    assert is_of_old_digest(record)
    _membership(tmp_path / "data")
    changed = opened(tmp_path / "data")
    assert changed.old_digest == dataset.old_digest
    with pytest.raises(ValueError, match="--resume needs the data of its first run"):
        require_same_data(plan, record, changed)


@pytest.mark.parametrize("old", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_study_of_either_digest_is_resumed_from_its_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: bool
) -> None:
    from study.commands.run import main
    from study.ledger.events import Planned
    from study.ledger.ledger import Ledger
    from study.ledger.provenance import Provenance
    from study.ledger.study_folder import StudyFolder
    from tests.study import fake

    plan = fake.plan(tmp_path)
    dataset = load(plan.config.data)
    counts = {split: len(images) for split, images in dataset.splits.items()}
    digest = dataset.old_digest if old else dataset.digest
    facts = replace(fake.DATA, digest=digest, classes=list(dataset.classes), images=counts)
    ledger = Ledger(StudyFolder.of(plan).ledger)
    ledger.append(Planned(plan=plan, data=facts, provenance=Provenance(commit="c", dirty=False)))
    ledger.close()
    where = ["--resume", plan.study, "--storage", str(tmp_path), "--dry-run"]
    code = main([*where, "--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"])
    captured = capsys.readouterr()
    assert code == 0, captured.err + captured.out
    assert f"digest {dataset.digest}" in captured.out
