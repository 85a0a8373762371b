"""Where numbers come from: the command as typed, without passwords, and only if one was typed."""

import json
import sys
from pathlib import Path

import pytest

from study.ledger import provenance
from study.ledger.events import Planned, Resumed, event_from_json
from study.ledger.provenance import Provenance
from tests.study import fake

SCRIPT = Path(provenance.__file__).resolve().parents[1] / "run.py"


def test_the_command_is_recorded_as_it_was_typed_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(SCRIPT.parents[1])
    words = ["study/run.py", "--name", "a b", "--tracking-uri", "postgresql://me:secret@host/db"]
    monkeypatch.setattr(sys, "argv", words)
    assert provenance.provenance().command == (
        "python study/run.py --name 'a b' --tracking-uri 'postgresql://me:***@host/db'"
    )


@pytest.mark.parametrize("words", [[], [""], ["pytest", "x"], ["elsewhere/run.py"], ["-c"]])
def test_another_program_s_words_are_no_command_of_ours(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", words)
    assert provenance.provenance().command == ""


def test_the_command_comes_back_from_the_ledger_and_an_old_line_has_none(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    for command in ("python study/run.py", ""):
        facts = Provenance(commit="c", dirty=False, command=command)
        for event in (
            Planned(plan=plan, data=fake.DATA, provenance=facts),
            Resumed(continue_after={}, provenance=facts),
        ):
            line = json.loads(json.dumps({"event": event.name, "time": 1.0, **event.to_json()}))
            assert ("command" in line["provenance"]) == bool(command)
            again = event_from_json(line)
            assert isinstance(again, Planned | Resumed)
            assert again.provenance == facts
