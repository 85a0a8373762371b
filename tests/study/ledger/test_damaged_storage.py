"""A storage with ledgers that were renamed, damaged, or never were ledgers."""

import json
import shutil
from pathlib import Path

import pytest

from study.commands import start
from study.ledger.errors import LedgerError
from study.ledger.events import TrialFailed
from study.ledger.other_studies import other_records
from study.ledger.study_folder import StudyFolder
from study.planning.request import StudyRequest
from tests.study import fake
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
        start.resumed(StudyRequest(resume="b", storage=tmp_path))
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="must name a study"):
        start.resumed(StudyRequest(resume="a", storage=tmp_path))
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
