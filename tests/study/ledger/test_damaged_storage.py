"""A storage with ledgers that were renamed, damaged, or never were ledgers."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.commands import report, run
from study.ledger import lines
from study.ledger.events import TrialFailed
from study.ledger.ledger import LedgerError
from study.ledger.study_folder import StudyFolder, other_records, studies
from study.planning.request import StudyRequest
from study.reporting.sections import reruns
from study.search import reuse
from tests.study import fake, fake_grid
from tests.study.execution.test_stages import small
from tests.study.ledger import linked


def change(folder: StudyFolder, number: int, **values: object) -> None:
    """Change values in one line of a ledger, and every checksum with them."""
    found = [json.loads(line) for line in folder.ledger.read_text().splitlines()]
    found[number] |= values
    linked.write(folder.ledger, found)


def test_a_renamed_study_is_refused_with_what_to_do_and_its_old_name_is_not_started(
    tmp_path: Path,
) -> None:
    fake.ended_study(fake.plan(tmp_path, study="a"))
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(LedgerError, match="rename the folder back to 'a'") as raised:
        run.resumed(StudyRequest(resume="b", storage=tmp_path))
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="must name a study"):
        run.resumed(StudyRequest(resume="a", storage=tmp_path))
    assert not (tmp_path / "a").exists()


def test_a_copied_study_does_not_count_twice(tmp_path: Path) -> None:
    fake.ended_study(fake.plan(tmp_path, study="a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    left_out: set[str] = set()
    assert [record.plan.study for record in other_records(tmp_path, "", left_out)] == ["a"]
    assert len(left_out) == 1


@pytest.mark.parametrize("name", ["../../escaped", "..", "", "/abs", "a/b", "a\nb", "x" * 101])
def test_no_name_in_a_ledger_leads_out_of_the_storage(tmp_path: Path, name: str) -> None:
    fake.ended_study(fake.plan(tmp_path))
    folder = StudyFolder(tmp_path / "fake")
    text = folder.ledger.read_text()
    change(folder, 0, study=name)
    with pytest.raises(LedgerError, match="study must be the name of a study"):
        folder.load()
    folder.ledger.write_text(text)
    change(folder, 1, reused={"study": name, "trial": 1})
    with pytest.raises(LedgerError, match="reused/study must be the name of a study"):
        folder.load()
    folder.ledger.write_text(text)
    change(folder, 1, stages=[f"{name}-1"])
    with pytest.raises(LedgerError, match="stages must be KIND-KEY"):
        folder.load()


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


def left_out_of_a_new_study(storage: Path) -> set[str]:
    """What a new study in this storage leaves out, which reads all others in every way."""
    plan = fake_grid.plan(storage, study="new")
    record, left_out = StudyFolder(storage / "mine").load(), set[str]()
    record.trials.clear()
    reuse.reusable_runs(plan, fake.DATA.digest, record, left_out)
    list(reruns._reruns(StudyFolder(storage / "new")))
    StudyFolder(storage / "new").require_new()
    with pytest.raises(ValueError, match="must name a study"):
        StudyFolder(storage / "new").require_known("--resume")
    return left_out


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
    assert line == f"{storage}/theirs/ledger.jsonl: cannot be read: Permission denied"


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


def test_the_plan_names_what_is_left_out_once(storage: Path) -> None:
    (storage / "theirs").mkdir()
    a_pipe(storage / "theirs" / "ledger.jsonl")
    plan = fake_grid.plan(storage, study="new")
    record = StudyFolder(storage / "mine").load()
    record.trials.clear()
    study = run.PlannedStudy(plan, record, None, None)  # type: ignore[arg-type]
    dataset = small()
    for _ in range(2):
        reuse.reusable_runs(plan, dataset.digest, record, study._left_out)
    assert study._prior_studies(dataset)["left out"] == (
        f"{storage}/theirs/ledger.jsonl: not a plain file"
    )


LOST: list[tuple[int, str, object]] = [
    (0, "base", None),
    (0, "base", {}),
    (0, "lanes", "two"),
    (0, "objective", None),
    (0, "mode", "up"),
    (0, "seed", None),
    (0, "trials", 1.5),
    (0, "data", {}),
    (0, "data", None),
    (0, "provenance", []),
    (0, "time", "noon"),
    (0, "time", 1e300),
    (1, "trial", None),
    (1, "trial", "0"),
    (1, "trial", -1),
    (1, "config", {}),
    (1, "params", None),
    (1, "id", 7),
    (1, "seed", "x"),
    (2, "metrics", None),
    (2, "metrics", {"miou": "high"}),
    (2, "metrics", {"miou": 10**400}),
    (2, "epoch", None),
    (2, "epoch", True),
    (2, "seconds", None),
    (2, "lane", 3),
    (2, "time", None),
]


@pytest.mark.parametrize(("number", "key", "value"), LOST)
def test_a_value_of_another_kind_is_refused_in_one_line(
    tmp_path: Path, number: int, key: str, value: object
) -> None:
    fake.ended_study(fake.plan(tmp_path))
    folder = StudyFolder(tmp_path / "fake")
    change(folder, number, **{key: value})
    with pytest.raises(LedgerError, match=r"ledger\.jsonl") as raised:
        folder.load()
    assert "\n" not in str(raised.value)


def test_half_a_character_in_a_message_is_written_and_read_as_a_question_mark(
    tmp_path: Path,
) -> None:
    """A file name that is not UTF-8; older versions wrote it as an escape."""
    plan = fake.plan(tmp_path)
    ledger, folder = fake.begin(plan), StudyFolder.of(plan)
    fake.start(ledger, plan, 0)
    message = "val/\udcff.png: \U0001f600 Lovász"
    ledger.append(TrialFailed(trial=0, kind="data", message=message, traceback=""))
    for old in (None, message):
        if old:
            change(folder, 2, message=old)
            assert "\\udcff" in folder.ledger.read_text()
        failure = folder.load().trials[0].failure
        assert failure is not None
        assert failure.message == "val/?.png: \U0001f600 Lovász"


@pytest.mark.parametrize("number", [0, 1])
def test_a_plan_and_a_start_come_once(tmp_path: Path, number: int) -> None:
    fake.ended_study(fake.plan(tmp_path))
    folder = StudyFolder(tmp_path / "fake")
    found = [json.loads(line) for line in folder.ledger.read_text().splitlines()]
    linked.write(folder.ledger, [*found, found[number]])
    with pytest.raises(LedgerError, match="second"):
        folder.load()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 10**25)
    | st.floats(allow_nan=True)
    | st.sampled_from(["", "miou", "complete", "../x", "\ud800", "a\nb", "0"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["miou", "a"]), inner)
    ),
    max_leaves=4,
)
DAMAGE = st.tuples(
    st.sampled_from(["change", "change", "change", "lose", "drop", "double", "swap"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    JSON,
)


def damaged(found: list[Any], how: tuple[str, int, int, object]) -> None:
    """Damage one line, or the order of two; half of the damage goes to the plan."""
    kind, line, place, value = how
    number = 0 if line % 2 else (line // 2) % len(found)
    if kind == "drop":
        del found[number]
    elif kind == "double":
        found.append(found[number])
    elif kind == "swap":
        other = place % len(found)
        found[number], found[other] = found[other], found[number]
    else:
        inner = found[number] = json.loads(json.dumps(found[number]))
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            key = keys[place % len(keys)]
            if place % 3 and isinstance(inner[key], dict | list) and inner[key]:
                inner, place = inner[key], place // 3
                continue
            break
        if kind == "change":
            inner[key] = value
        else:
            del inner[key]


@pytest.fixture(scope="module", params=["search", "grid"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The lines of a sound study's ledger."""
    storage = tmp_path_factory.mktemp("sound")
    if request.param == "search":
        ledger = fake.ended_study(fake.plan(storage))
    else:
        ledger = fake_grid.ended_study(fake_grid.plan(storage))
    return [json.loads(line) for line in ledger.path.read_text().splitlines()]


def written(storage: Path, sound: list[Any], damage: list[tuple[str, int, int, object]]) -> None:
    found = list(sound)
    for one in damage:
        if found:
            damaged(found, one)
    folder = storage / "fake"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    linked.write(folder / "ledger.jsonl", found)


@settings(
    max_examples=int(os.environ.get("FUZZ", "30")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(damage=st.lists(DAMAGE, min_size=1, max_size=3))
def test_any_lines_are_a_record_that_reports_or_one_error(
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    sound: list[Any],
    damage: list[tuple[str, int, int, object]],
) -> None:
    storage = tmp_path_factory.getbasetemp() / "fuzz"
    storage.mkdir(exist_ok=True)
    written(storage, sound, damage)
    code = report.main(["fake", "--storage", str(storage)])
    assert code in (0, 2)
    lines_of_error = capsys.readouterr().err.splitlines()
    assert len([line for line in lines_of_error if line.startswith("study/report.py")]) == code // 2
