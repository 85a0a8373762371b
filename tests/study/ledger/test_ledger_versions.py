"""Ledgers whose lines another version wrote."""

import json
from pathlib import Path

import pytest

from study.ledger import chain
from study.ledger.errors import LedgerError
from study.ledger.ledger import Ledger
from study.ledger.study_folder import StudyFolder
from tests.study import fake


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"event":"planned","time":1}', "schema must be 1 or 2, got None"),
        ('{"event":"planned","time":1,"schema":0}', "schema must be 1 or 2, got 0"),
        ('{"event":"planned","time":1,"schema":3}', "schema must be 1 or 2, got 3"),
        ('{"event":"planned","time":1,"schema":true}', "schema must be 1 or 2, got True"),
        ('{"event":"planned","time":1,"schema":2}', ":1: the checksum does not fit"),
        ("[1, 2]", ":1: not an event"),
        (
            '{"event":"planned","time":1,"schema":1}',
            ":1: event 'planned' cannot be understood (KeyError 'data')",
        ),
    ],
)
def test_a_first_line_of_another_version_is_refused(tmp_path: Path, line: str, words: str) -> None:
    path = StudyFolder(tmp_path).ledger
    path.write_text(line + "\n")
    _refused_in_one_line(path, words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"event":"dreamt","time":2}', "event 'dreamt' cannot be understood"),
        (  # of a trial that never started
            '{"event":"epoch","time":2,"trial":9,"epoch":1,"metrics":{},"lane":"a","seconds":1}',
            "event 'epoch' cannot be understood (KeyError 9)",
        ),
        ('{"event":"epoch","time":2,"trial":9}', "event 'epoch' cannot be understood (TypeError"),
        ('{"event":"chosen","time":2}', "event 'chosen' cannot be understood (KeyError 'cells')"),
        ('{"event":"started","time":2,"trial":[]}', "event 'started' cannot be understood"),
    ],
)
def test_a_later_line_of_another_version_is_refused_with_its_number(
    tmp_path: Path, line: str, words: str
) -> None:
    ledger = fake.begin(fake.plan(tmp_path))
    last = ledger.path.read_bytes().splitlines()[-1]
    linked, _ = chain.link(line.encode(), str(json.loads(last)["chain"]))
    with ledger.path.open("ab") as file:
        file.write(linked + b"\n")
    _refused_in_one_line(ledger.path, f"ledger.jsonl:2: {words}")


def _refused_in_one_line(path: Path, words: str) -> None:
    with pytest.raises(LedgerError) as raised:
        Ledger(path)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
