"""Ledgers that cannot be read are left out of a new study in their storage, and named."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.commands import prior_studies
from study.ledger import lines
from study.ledger.errors import LedgerError
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder, studies
from study.reporting.sections import reruns
from study.search import reuse
from tests.study import fake, fake_grid
from tests.study.execution.test_stages import small


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def deep(path: Path) -> None:
    path.write_text('{"event":' + "[" * 100_000 + "]" * 100_000 + "}\n")


def not_utf_8(path: Path) -> None:
    path.write_bytes(b'{"event":"planned\xff","time":1}\n')


def utf_16(path: Path) -> None:
    path.write_bytes('{"event":"planned","time":1}\n'.encode("utf-16"))


def one_line_without_an_end(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(lines.LONGEST + 2)


def a_number_of_many_digits(path: Path) -> None:
    path.write_text('{"event":"planned","time":' + "9" * 5000 + "}\n")


def an_unknown_schema(path: Path) -> None:
    path.write_text('{"event":"planned","time":1,"schema":99}\n')


def empty(path: Path) -> None:
    path.write_text("")


STRANGE = [
    a_pipe,
    a_folder,
    a_link_to_itself,
    deep,
    not_utf_8,
    utf_16,
    one_line_without_an_end,
    a_number_of_many_digits,
    an_unknown_schema,
    empty,
]


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A storage with a complete study of a grid."""
    fake_grid.ended_study(fake_grid.plan(tmp_path, study="mine"))
    return tmp_path


def left_out_of_a_new_study(storage: Path) -> tuple[str, ...]:
    """What a new study in this storage leaves out, which reads all others in every way."""
    plan = fake_grid.plan(storage, study="new")
    record = StudyFolder(storage / "mine").load()
    record.trials.clear()
    reuse.reusable_runs(plan, fake.DATA.digest, record)
    list(reruns._reruns(StudyFolder(storage / "new")))
    StudyFolder(storage / "new").require_new()
    with pytest.raises(ValueError, match="must name a study"):
        StudyFolder(storage / "new").require_known("--resume")
    return reuse.earlier_trials(plan).left_out


@pytest.mark.parametrize("make", STRANGE)
def test_a_neighbour_that_cannot_be_read_is_left_out_and_named(
    storage: Path, make: Callable[[Path], None]
) -> None:
    path = storage / "theirs" / "ledger.jsonl"
    path.parent.mkdir()
    make(path)
    (line,) = left_out_of_a_new_study(storage)
    assert line.startswith(str(path))
    assert "\n" not in line
    assert len(line) < 500
    with pytest.raises(LedgerError):
        StudyFolder(path.parent).load()


def test_a_private_neighbour_is_left_out_and_named(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the refusal is simulated."""
    fake.begin(fake.plan(storage, study="theirs"))
    real = os.open

    def refuse(path: Any, *given: Any, **more: Any) -> int:
        if "theirs" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path, *given, **more)

    monkeypatch.setattr(lines.os, "open", refuse)
    (line,) = left_out_of_a_new_study(storage)
    assert line == f"{storage}/theirs/ledger.end: cannot be read: Permission denied"


def test_a_private_folder_is_left_out_and_named(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.begin(fake.plan(storage, study="theirs"))

    def refuse(path: Any, *given: Any, **more: Any) -> int:
        if "theirs/" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path, *given, **more)

    for name in ("open", "lstat"):
        real = getattr(os, name)
        with monkeypatch.context() as patch:
            patch.setattr(lines.os, name, refuse)
            assert "theirs" in [folder.name for folder in studies(storage)]


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("make_plan", [fake.plan, fake_grid.plan], ids=["search", "grid"])
def test_the_plan_names_what_is_left_out_once(
    storage: Path, fresh: bool, make_plan: Callable[..., Plan]
) -> None:
    """``--fresh`` named none, and a grid whose runs have all started did not either."""
    (storage / "theirs").mkdir()
    a_pipe(storage / "theirs" / "ledger.jsonl")
    plan = make_plan(storage, study="new", fresh=fresh)
    lines = prior_studies.lines(plan, fake.SPACE, StudyRecord(), small().digest)
    assert lines["left out"] == f"{storage}/theirs/ledger.jsonl: not a plain file"


def test_a_plan_and_its_run_read_each_neighbour_once_unless_it_changes(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both parsed every ledger of the storage."""
    loaded: list[str] = []
    load = StudyFolder.load

    def counted(folder: StudyFolder) -> StudyRecord:
        loaded.append(folder.name)
        return load(folder)

    monkeypatch.setattr(StudyFolder, "load", counted)
    plan = fake.plan(storage, study="new")
    prior_studies.lines(plan, fake.SPACE, StudyRecord(), small().digest)
    reuse.DrawReuse(plan, fake.begin(plan), lambda trial: None)
    assert loaded == ["mine"]
    known = set(reuse.earlier_trials(plan).by_id)
    theirs = fake.plan(storage, study="theirs")
    other = fake.begin(theirs)
    assert set(reuse.earlier_trials(plan).by_id) == known
    fake.complete(other, theirs, 20)
    assert set(reuse.earlier_trials(plan).by_id) == {*known, f"{20:012x}"}
    assert loaded == ["mine", *["mine", "theirs"] * 2]
